"""A service around DynamoDB's: it notes what was asked, and has requests meet the faults that tests asked for."""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson

from statordb.model.errors import ClientError
from statordb.model.pending import Pending
from statordb.model.request import Reply, Request, Service
from statordb.server.controls.faults import Asked, Faults
from statordb.server.controls.requests import Requests
from statordb.server.request_log import named
from statordb.wire.exchange import Waiting


class Controlled:
    """`now`: seconds since the epoch, by the server's clock."""

    def __init__(self, service: Service, faults: Faults, requests: Requests, now: Callable[[], float]) -> None:
        self._service = service
        self._faults = faults
        self._requests = requests
        self._now = now

    def precheck(self, target: str, body: bytes) -> ClientError | None:
        return self._service.precheck(target, body)

    def handle(self, request: Request) -> Reply | Waiting:
        document = _document(request)
        tables = list(dict.fromkeys(name.rpartition("/")[2] for name in named(document) if name))
        asked = Asked(request.operation, tables, request.principal, document)
        fault = self._faults.take(asked)
        self._requests.note(asked, self._now(), len(request.body), None if fault is None else fault.kind)
        if fault is None:
            return self._service.handle(request)
        reply = fault.reply(asked)
        if fault.seconds:
            return self._late(request, fault.seconds, reply)
        return self._service.handle(request) if reply is None else reply

    def _late(self, request: Request, seconds: float, reply: Reply | None) -> Waiting:
        loop = asyncio.get_running_loop()
        answer: Pending[Reply] = Pending(loop)

        def go_on() -> None:
            begun = self._service.handle(request) if reply is None else reply
            if isinstance(begun, Reply):
                answer.set_result(begun)
            else:
                begun.add_done_callback(finish)

        def finish(done: Any) -> None:
            try:
                answer.set_result(done.result())
            except Exception as fault:
                answer.set_exception(fault)

        loop.call_later(seconds, go_on)
        return answer


def _document(request: Request) -> Any:
    """What was asked, unchecked; None of what is no JSON."""
    try:
        return None if request.coding else orjson.loads(request.body)
    except orjson.JSONDecodeError:
        return None
