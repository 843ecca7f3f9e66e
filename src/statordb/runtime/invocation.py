"""An invocation on its way through the pool, and how its event is told to a runtime."""

import asyncio
import secrets

from statordb.model.invocation import Outcome
from statordb.store.functions.catalog import FunctionRecord

_NOT_IN_HEADERS = dict.fromkeys(range(32), " ")


class Invocation:
    """One run of a function. `future` gets its Outcome; it is cancelled where the caller does not wait any more."""

    __slots__ = ("client_context", "function", "future", "payload", "request_id")

    def __init__(self, function: FunctionRecord, payload: bytes, client_context: str | None, request_id: str) -> None:
        self.function = function
        self.payload = payload
        self.client_context = client_context
        self.request_id = request_id
        self.future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def head(self, now: float) -> bytes:
        """The header lines that the Runtime API sends with the event. `now`: seconds since the epoch."""
        root = f"{int(now):08x}-{secrets.token_hex(12)}"
        lines = [
            f"Lambda-Runtime-Aws-Request-Id: {self.request_id}",
            f"Lambda-Runtime-Deadline-Ms: {int((now + self.function.timeout_seconds) * 1000)}",
            f"Lambda-Runtime-Invoked-Function-Arn: {self.function.arn}",
            f"Lambda-Runtime-Trace-Id: Root=1-{root};Parent={secrets.token_hex(8)};Sampled=0",
        ]
        if self.client_context is not None:
            lines.append(f"Lambda-Runtime-Client-Context: {self.client_context.translate(_NOT_IN_HEADERS)}")
        return ("\r\n".join(lines) + "\r\n").encode()
