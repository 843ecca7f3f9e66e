"""What it means to invoke a function: the words that its callers and those who run it share."""

from typing import NamedTuple, Protocol

from statordb.store.functions import FunctionRecord

LOG_TAIL_BYTES_MAX = 4096  # API reference, Invoke: "the last 4 KB of the execution log"
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
    """The function's concurrency is used up; args[0] is the reason code of TooManyRequestsException:
    ReservedFunctionConcurrentInvocationLimitExceeded or ConcurrentInvocationLimitExceeded."""


class NotRunnable(Exception):
    """The function can't be started at all: no code, no such runtime; args[0] is a sentence for people."""


class Invoker(Protocol):
    """Runs functions. The caller may be cancelled at any time; the function then goes on until its timeout."""

    async def invoke(
        self, function: FunctionRecord, payload: bytes, *, client_context: str | None = None, request_id: str = ""
    ) -> Outcome:
        """Run the function once with a JSON payload and wait for its end. Raises Throttled, NotRunnable.

        `client_context`: the decoded JSON of X-Amz-Client-Context. `request_id`: a uuid; made if empty.
        """
        ...
