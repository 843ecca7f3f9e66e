"""Application Auto Scaling's API behind the wire (`model.request.Service`).

The service model, and the operations, are loaded with the first request: a server whose clients use tables only starts
no slower, and needs no more memory, than one without the service.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from statordb.commands.calls import Calls
from statordb.commands.gate import Gate
from statordb.commands.turns import Turns
from statordb.model.errors import ClientError
from statordb.model.pending import Pending
from statordb.model.request import Reply, Request, bare_error_reply
from statordb.model.service import load_service
from statordb.scaling_api import errors
from statordb.scaling_api.context import Context, Operation
from statordb.store.store import Store
from statordb.store.terms import Overloaded

if TYPE_CHECKING:
    from statordb.shapes.json import Shapes

TARGET_PREFIX = "AnyScaleFrontendService"
VERSION = "2016-02-06"

Report = Callable[[Request, BaseException], None]
"""Told of every unexpected exception, for the log."""


class Api(NamedTuple):
    """What is loaded with the first request."""

    shapes: "Shapes"
    operations: Mapping[str, Operation]


def load_api() -> Api:
    """Raises ServiceModelMissing."""
    # Here, so that starting costs nothing; see above.
    from statordb.scaling_api.operations import OPERATIONS
    from statordb.scaling_api.shape_overrides import SCALING
    from statordb.shapes.json import Shapes

    return Api(Shapes(SCALING, load_service("application-autoscaling", VERSION)), OPERATIONS)


class ScalingService:
    """Answers requests, each by a task of its own."""

    def __init__(self, store: Store, report: Report, gate: Gate, turns: Turns | None = None) -> None:
        self._store = store
        self._gate = gate
        self._report = report
        self._calls = Calls(load_api, turns)

    def handle(self, request: Request) -> "Reply | Pending[Reply] | asyncio.Future[Reply]":
        return self._calls.begin(self._answer(request), request.source, partial(self._failed, request))

    def precheck(self, target: str, body: bytes) -> ClientError | None:
        """Nothing is told to strangers."""
        return None

    async def close(self) -> None:
        """Cancel what still runs, and await its end."""
        await self._calls.close()

    async def _answer(self, request: Request) -> Reply:
        try:
            return Reply(200, await self._run(request))
        except ClientError as fault:
            return bare_error_reply(fault)
        except Overloaded:
            return bare_error_reply(errors.busy())

    def _failed(self, request: Request, error: BaseException) -> Reply:
        self._report(request, error)
        return bare_error_reply(errors.internal())

    async def _run(self, request: Request) -> bytes:
        api = await self._calls.api()
        name = request.operation
        operation = api.operations.get(name)
        if operation is None:
            raise errors.unknown_operation(name if name in api.shapes.operations else None)
        members = api.shapes.check(name, _parsed(request.body))
        context = Context(self._store, request.principal, request.origin, self._gate, members)
        answer = await operation(context, members)
        return orjson.dumps({k: v for k, v in answer.items() if v is not None})


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise errors.of("SerializationException") from None
