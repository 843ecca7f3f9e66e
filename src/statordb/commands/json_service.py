"""A service behind the wire (`model.request.Service`) that speaks AWS's JSON protocols and has its operations by
X-Amz-Target: KMS's, and Application Auto Scaling's."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar

import orjson

from statordb.commands.calls import Calls
from statordb.commands.turns import Turns
from statordb.model.errors import ClientError
from statordb.model.pending import Pending
from statordb.model.request import Reply, Request, bare_error_reply
from statordb.store.terms import Overloaded, Unanswered

if TYPE_CHECKING:
    from statordb.shapes.json import Shapes

OperationT = TypeVar("OperationT")

Report = Callable[[Request, BaseException], None]
"""Told of every unexpected exception, for the log."""


class JsonApi(NamedTuple, Generic[OperationT]):
    """What is loaded with the first request."""

    shapes: "Shapes"
    operations: Mapping[str, OperationT]


class Faults(Protocol):
    """What a service calls the errors that all of them have."""

    def of(self, type: str, message: str | None = None, status: int = 400) -> ClientError: ...

    def unknown_operation(self, name: str | None) -> ClientError:
        """`name`: of an operation of the service's that is not built here."""
        ...

    def internal(self) -> ClientError: ...

    def busy(self) -> ClientError: ...

    def unanswered(self) -> ClientError:
        """The store does not answer: SDKs try again."""
        ...


class JsonService(ABC, Generic[OperationT]):
    """Answers requests, each by a task of its own. `load`: see `Calls`; raises ServiceModelMissing."""

    def __init__(
        self, load: Callable[[], JsonApi[OperationT]], faults: Faults, report: Report, turns: Turns | None
    ) -> None:
        self._faults = faults
        self.unanswered = bare_error_reply(faults.unanswered())
        self._report = report
        self._calls = Calls(load, turns)

    @abstractmethod
    def perform(
        self, operation: OperationT, request: Request, members: dict[str, Any]
    ) -> Awaitable[Mapping[str, Any] | None]:
        """The members of the output, of which those that are None are left out; None: the empty answer. Raises
        ClientError."""

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
            return bare_error_reply(self._faults.busy())

    def _failed(self, request: Request, error: BaseException) -> Reply:
        self._report(request, error)
        return self.unanswered if isinstance(error, Unanswered) else bare_error_reply(self._faults.internal())

    async def _run(self, request: Request) -> bytes:
        api = await self._calls.api()
        name = request.operation
        operation = api.operations.get(name)
        if operation is None:
            raise self._faults.unknown_operation(name if name in api.shapes.operations else None)
        answer = await self.perform(operation, request, api.shapes.check(name, self._parsed(request.body)))
        return b"" if answer is None else orjson.dumps({k: v for k, v in answer.items() if v is not None})

    def _parsed(self, body: bytes) -> Any:
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            raise self._faults.of("SerializationException") from None
