"""What runs functions, as those see it who have one run."""

from typing import Protocol

from statordb.model.invocation import Outcome
from statordb.store.functions.catalog import FunctionRecord


class Invoker(Protocol):
    """Runs functions. The caller may be cancelled at any time; the function then goes on until its timeout."""

    async def invoke(
        self, function: FunctionRecord, payload: bytes, *, client_context: str | None = None, request_id: str = ""
    ) -> Outcome:
        """Run the function once with a JSON payload and wait for its end. Raises Throttled, NotRunnable.

        `client_context`: the decoded JSON of X-Amz-Client-Context. `request_id`: a uuid; made if empty.
        """
        ...
