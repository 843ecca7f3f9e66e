"""Lambda's API behind the wire (`model.rest.RestService`).

The service model, and the operations, are loaded with the first request: a server whose clients use tables only starts
no slower, and needs no more memory, than one that has no functions.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from statordb.commands.calls import Calls
from statordb.commands.gate import Gate, admit_call, call_budget
from statordb.commands.turns import Turns
from statordb.lambda_api import errors
from statordb.lambda_api.context import Answer, Context, Operation, RestAnswer
from statordb.lambda_api.demands import demands, informed
from statordb.lambda_api.destination_rights import must_be_sendable
from statordb.lambda_api.errors import LambdaError
from statordb.lambda_api.roles import must_be_own, must_trust_functions
from statordb.lambda_api.stream_rights import must_be_readable
from statordb.model.errors import ClientError
from statordb.model.rest import JSON, RestReply, RestRequest
from statordb.runtime.invoker import Invoker
from statordb.store.store import Store
from statordb.store.terms import Overloaded

if TYPE_CHECKING:
    from statordb.shapes.rest_routes import Route, Routes

READ_HERE_BYTES_MAX = 1 << 20  # 6 ms; larger bodies are read beside the event loop, which others wait for

Report = Callable[[RestRequest, BaseException], None]
"""Told of every unexpected exception, for the log."""


class Api(NamedTuple):
    """What is loaded with the first request."""

    routes: "Routes"
    members: "Callable[[Route, list[str], RestRequest], dict[str, Any]]"
    operations: Mapping[str, Operation]


def load_api() -> Api:
    """Raises ServiceModelMissing."""
    # Here, so that starting costs nothing; see above.
    from statordb.lambda_api.operations import OPERATIONS
    from statordb.lambda_api.requests import load_routes, members

    return Api(load_routes(), members, OPERATIONS)


class FunctionService:
    """Answers requests, each by a task of its own: functions run for long.

    `gate` says who may do what; `check_destination` raises ValueError, with a sentence, for a destination that records
    can't be sent to.
    """

    def __init__(
        self,
        store: Store,
        invoker: Invoker,
        report: Report,
        check_destination: Callable[[str], None],
        gate: Gate,
        turns: Turns | None = None,
        own_roles: bool = False,
    ) -> None:
        """`own_roles`: functions get no roles of other accounts."""
        self._own_roles = own_roles
        self._store = store
        self._invoker = invoker
        self._check_destination = check_destination
        self._gate = gate
        self._report = report
        self._calls = Calls(load_api, turns)

    def handle(self, request: RestRequest) -> asyncio.Task[RestReply]:
        return self._calls.begin(self._answer(request), request.source, partial(self._failed, request))

    async def close(self) -> None:
        """Cancel what still runs, and await its end."""
        await self._calls.close()

    async def _answer(self, request: RestRequest) -> RestReply:
        try:
            return await self._run(request)
        except LambdaError as fault:
            return fault_reply(fault)
        except ClientError as error:  # of the store, which speaks DynamoDB's
            return fault_reply(LambdaError(error.status, error.code, error.message or error.code))
        except Overloaded:
            return fault_reply(errors.too_many("CallerRateLimitExceeded"))

    def _failed(self, request: RestRequest, error: BaseException) -> RestReply:
        self._report(request, error)
        return fault_reply(errors.internal())

    async def _run(self, request: RestRequest) -> RestReply:
        api = await self._calls.api()
        found = api.routes.find(request)
        if found is None:
            raise errors.unknown_operation(request.method, request.path)
        route, texts = found
        operation = api.operations.get(route.operation)
        if operation is None:
            raise errors.not_implemented(route.operation)
        request.operation = route.operation
        if len(request.body) > READ_HERE_BYTES_MAX:
            given = await asyncio.to_thread(api.members, route, texts, request)
        else:
            given = api.members(route, texts, request)
        request.given = given
        context = Context(
            self._store,
            request.principal,
            self._invoker,
            self._check_destination,
            route.operation,
            request.request_id,
        )
        await self._admit(context, request, given)
        return _reply(await operation(context, given), route.status)

    async def _admit(self, context: Context, request: RestRequest, given: dict[str, Any]) -> None:
        """Raises AccessDeniedException unless the principal may do that."""
        principal, origin = request.principal, request.origin
        budget = call_budget()
        try:
            for demand in demands(context, given):
                if self._gate.surely(principal, origin, demand):
                    continue
                known = await informed(context, demand, given)
                await admit_call(self._gate, principal, origin, known, given, budget)
        except ClientError as refusal:  # which has another status in DynamoDB's API
            raise errors.access_denied(refusal.message or refusal.code) from None
        if self._own_roles:
            must_be_own(context, given)
        await must_trust_functions(context, given)
        await must_be_readable(self._gate, context, origin, given)
        await must_be_sendable(self._gate, context, origin, given)


def _reply(answer: Answer, status: int) -> RestReply:
    if isinstance(answer, RestAnswer):
        return RestReply(answer.status, answer.body, answer.headers)
    shown = {name: value for name, value in answer.items() if value is not None}
    return RestReply(status, orjson.dumps(shown) if status != 204 else b"", (), JSON)


def fault_reply(fault: LambdaError) -> RestReply:
    """The reply that tells a client of its error: the one place where errors become bytes."""
    headers = (("x-amzn-ErrorType", fault.type), *fault.headers)
    return RestReply(fault.status, orjson.dumps(fault.body()), headers, JSON, fault.type)
