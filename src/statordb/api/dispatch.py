"""From a complete request to its reply: find the operation, parse, check the shape, run it.

An operation is a coroutine. It is driven by hand: where it never waits (reads on an embedded engine) the reply is
there at once, else a future of it; no Task per request.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import orjson

from statordb.api.context import Answer, Context, Request
from statordb.api.operations import OPERATIONS
from statordb.api.shapes import Shapes
from statordb.model import errors
from statordb.model import request as wire
from statordb.model.errors import ClientError
from statordb.model.pending import Pending
from statordb.model.request import Principal, Reply, error_reply
from statordb.store.store import Store

Operation = Callable[[Context, Request], Awaitable[Answer]]
Report = Callable[[wire.Request, BaseException], None]
"""Told of every unexpected exception, for the log."""


class Dispatcher:
    """The service behind the wire (`model.request.Service`)."""

    def __init__(self, store: Store, shapes: Shapes, report: Report, endpoint: str = "localhost:8000") -> None:
        self._store = store
        self._shapes = shapes
        self._report = report
        self._endpoint = endpoint
        self._contexts: dict[Principal, Context] = {}

    def handle(self, request: wire.Request) -> Reply | Pending[Reply]:
        coroutine = self._answer(request)
        try:
            waited = coroutine.send(None)
        except StopIteration as done:
            reply: Reply = done.value
            return reply
        return Resumption(coroutine, waited)

    def precheck(self, target: str, body: bytes) -> ClientError | None:
        if body:
            try:
                _parse(body)
            except ClientError as fault:
                return fault
        return None if target.rpartition(".")[2] in OPERATIONS else errors.unknown_operation()

    async def _answer(self, request: wire.Request) -> Reply:
        try:
            operation = OPERATIONS.get(request.operation)
            document = _parse(request.body)
            if operation is None:
                raise errors.unknown_operation()
            checked = self._shapes.check(request.operation, document)
            answer = await operation(self._context(request.principal), checked)
            return Reply(200, answer if answer.__class__ is bytes else orjson.dumps(answer))
        except ClientError as fault:
            return error_reply(fault)
        except Exception as fault:
            self._report(request, fault)
            return error_reply(errors.internal())

    def _context(self, principal: Principal) -> Context:
        context = self._contexts.get(principal)
        if context is None:
            if len(self._contexts) >= _CONTEXTS_MAX:
                self._contexts.clear()
            context = self._contexts[principal] = Context(self._store, principal, self._endpoint)
        return context


_CONTEXTS_MAX = 1024


def _parse(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise errors.serialization(None) from None


class Resumption(Pending[Reply]):
    """The reply of a coroutine that waits, driven on by the callbacks of what it waits for."""

    __slots__ = ("_coroutine",)

    def __init__(self, coroutine: Coroutine[Any, None, Reply], waited: Any) -> None:
        super().__init__(asyncio.get_running_loop() if waited is None else waited.get_loop())
        self._coroutine = coroutine
        self._wait(waited)

    def _wait(self, waited: Any) -> None:
        if waited is None:  # a bare yield: let others run
            self._loop.call_soon(self._resume, None)
            return
        waited._asyncio_future_blocking = False
        waited.add_done_callback(self._resume)

    def _resume(self, _: Any) -> None:
        try:
            waited = self._coroutine.send(None)
        except StopIteration as done:
            self.set_result(done.value)
        except BaseException as fault:
            self.set_exception(fault)
            if not isinstance(fault, Exception):
                raise
        else:
            self._wait(waited)
