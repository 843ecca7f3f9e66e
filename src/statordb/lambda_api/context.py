"""What every operation of Lambda's API gets: the store, who asks, who runs functions, and the time."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from statordb.lambda_api import errors, names
from statordb.model.request import Principal
from statordb.runtime.invoker import Invoker
from statordb.store.functions.catalog import FunctionRecord
from statordb.store.store import Store


class RestAnswer(NamedTuple):
    """An answer that is more than an object: its HTTP status, further response headers, and the body as it is sent."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


Request = dict[str, Any]
"""The members of a request under their names in the service model, wherever they came from (path, query string,
headers, body); checked. Blobs are bytes, timestamps seconds since the epoch."""

Answer = dict[str, Any] | RestAnswer
"""A dict is sent as JSON with the operation's own status; members that are None are left out at the top level."""


class Context(NamedTuple):
    """The surroundings of one request."""

    store: Store
    principal: Principal
    invoker: Invoker
    check_destination: Callable[[str], None]  # raises ValueError with a sentence
    operation: str = ""  # as the service model names it
    request_id: str = ""  # a uuid

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.store.clock.now()

    def must_reach(self, destination: str) -> None:
        """Raises InvalidParameterValueException for a destination that records can't be sent to; "" is none."""
        if not destination:
            return
        try:
            self.check_destination(destination)
        except ValueError as fault:
            raise errors.invalid_parameter(str(fault)) from None

    def name(self, text: str, qualifier: str | None = None) -> names.FunctionName:
        """What a FunctionName (with the request's Qualifier) means.

        Raises AccessDeniedException for another account's function: no policy can allow it yet.
        """
        principal = self.principal
        name = names.parse(text, principal.account, principal.region, qualifier)
        self.must_own(name.account, name.arn)
        return name

    def must_own(self, account: str, arn: str) -> None:
        """Raises AccessDeniedException for what is another account's."""
        if account != self.principal.account:
            action = action_of(self.operation)
            raise errors.access_denied(
                f"User: {self.principal.arn} is not authorized to perform: {action} on resource: {arn} because no "
                f"resource-based policy allows the {action} action"
            )

    async def function(self, text: str, qualifier: str | None = None) -> FunctionRecord:
        """The function that a FunctionName means; raises ResourceNotFoundException if there is none."""
        name = self.name(text, qualifier)
        record = await self.store.functions.find(name.account, name.region, name.name)
        if record is None:
            raise errors.function_not_found(name.qualified_arn)
        name.must_be_latest()
        return record


def action_of(operation: str) -> str:
    """The action that policies know an operation by."""
    return f"lambda:{_ACTIONS.get(operation, operation)}"


_ACTIONS = {"Invoke": "InvokeFunction"}  # where it is not called as the operation

Operation = Callable[[Context, Request], Awaitable[Answer]]
