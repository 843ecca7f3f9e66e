"""What it means to invoke a function: the words that its callers and those who run it share."""

from datetime import UTC, datetime
from typing import NamedTuple, Protocol

LOG_TAIL_BYTES_MAX = 4096  # API reference, Invoke: "the last 4 KB of the execution log"
THROTTLED_RESERVED = "ReservedFunctionConcurrentInvocationLimitExceeded"
THROTTLED_TOTAL = "ConcurrentInvocationLimitExceeded"
UNHANDLED = "Unhandled"  # X-Amz-Function-Error of every failure of a function


class Outcome(NamedTuple):
    """How an invocation ended.

    payload   the function's JSON; of a failure {"errorMessage", "errorType", ...}.
    error     None, or `UNHANDLED` if the function raised, crashed or timed out.
    log_tail  the end of what it printed during this invocation, at most LOG_TAIL_BYTES_MAX.
    """

    payload: bytes
    error: str | None
    log_tail: bytes
    request_id: str


class Throttled(Exception):
    """The function's concurrency is used up; args[0] is the reason code of TooManyRequestsException: THROTTLED_RESERVED
    or THROTTLED_TOTAL."""


class NotRunnable(Exception):
    """The function can't be started at all: no code, no such runtime; args[0] is a sentence for people."""


class RecordSink(Protocol):
    """Where records of invocations go: queues, topics, web services, directories (`outbound.destinations`)."""

    async def send(self, destination: str, body: bytes, region: str) -> None:
        """Raises an exception, which says why, if it did not arrive."""
        ...


def moment(seconds: float) -> str:
    """A time as Lambda writes it: 2026-01-31T12:00:00.000+0000."""
    return (
        datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(seconds * 1000) % 1000:03d}+0000"
    )
