"""The whole API in process: a dispatcher on an engine on tmpfs, with a clock that stands until it is moved."""

import asyncio
import inspect
from collections.abc import Awaitable
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
from tests.engine.sealed import open_lmdb, seal

from statordb.api.dispatch import Dispatcher
from statordb.api.shape_overrides import DYNAMODB
from statordb.crypto.file_keys import FileKeys
from statordb.crypto.sealer import Sealer
from statordb.keeper.keeper import Keeper
from statordb.metering.shared_buckets import SharedBuckets
from statordb.model.clock import ManualClock
from statordb.model.request import Principal, Reply, Request
from statordb.model.service import load_service
from statordb.shapes.json import Shapes
from statordb.store.sealed.engine import SealedEngine
from statordb.store.store import Store

SHAPES = Shapes(DYNAMODB, load_service(), load_service("dynamodbstreams"))
PRINCIPAL = Principal("000000000000", "local", "us-east-1", "arn:aws:iam::000000000000:root")


class Fault(Exception):
    """An error answer: its code, and its body."""

    def __init__(self, code: str, body: dict[str, Any]) -> None:
        super().__init__(code, body.get("message") or body.get("Message"))
        self.code = code
        self.body = body

    @property
    def message(self) -> str:
        return str(self.args[1])


class Api:
    """Calls operations and gives parsed answers; raises Fault. `restart` opens the store anew. `buckets`: of a server
    that limits throughput."""

    def __init__(self, directory: Path, table_delay_seconds: float = 0.0, buckets: SharedBuckets | None = None) -> None:
        self.buckets = buckets
        self.loop = asyncio.new_event_loop()
        self.clock = ManualClock()
        self.directory = directory
        self.delay = table_delay_seconds
        self.random = Random(0).randbytes  # so that each run of a history has one order of partitions
        self.at = 0.0  # the keeper's own time, which only ever grows
        self.faults: list[BaseException] = []
        self.open()

    def open(self) -> None:
        engine = self.run(seal(open_lmdb(self.directory, self.random), self.directory, self.random))
        buckets = None if self.buckets is None else self.buckets.of_process(0, self.clock.now)
        sealer = Sealer(FileKeys(self.directory))
        self.store = Store(engine, self.clock, self.delay, sealer=sealer, buckets=buckets)
        self.dispatcher = Dispatcher(self.store, SHAPES, lambda request, fault: self.faults.append(fault))
        self.keeper = Keeper(self.store, lambda duty, fault: self.faults.append(fault))

    def another(self) -> Store:
        """The store as another process of it has it, which has data keys of its own."""
        engine = self.store.engine
        assert isinstance(engine, SealedEngine)
        other = self.run(seal(engine.under, self.directory, self.random))
        return Store(other, self.clock, self.delay, sealer=Sealer(FileKeys(self.directory)))

    def run(self, awaitable: Any) -> Any:
        async def wait() -> Any:
            return await awaitable

        return self.loop.run_until_complete(wait())

    def reply(self, operation: str, body: bytes, principal: Principal = PRINCIPAL) -> Reply:
        async def handle() -> Reply:
            reply = self.dispatcher.handle(Request(operation, body, principal, "id"))
            return await reply if inspect.isawaitable(reply) else reply

        return self.loop.run_until_complete(handle())

    def __call__(self, operation: str, principal: Principal = PRINCIPAL, **request: Any) -> dict[str, Any]:
        reply = self.reply(operation, orjson.dumps(request), principal)
        if self.faults:
            raise self.faults.pop()
        answer: dict[str, Any] = orjson.loads(reply.body or b"{}")
        if reply.status != 200:
            raise Fault(str(reply.error), answer)
        return answer

    def refused(self, operation: str, **request: Any) -> Fault:
        with pytest.raises(Fault) as caught:
            self(operation, **request)
        return caught.value

    def keep(self, turns: int = 30) -> None:
        """Let the keeper do everything that is to do now."""

        async def turn() -> None:
            for _ in range(turns):
                self.at += 100.0
                await self.keeper.turn(self.at)
                await asyncio.sleep(0)

        self.loop.run_until_complete(turn())
        assert not self.faults, self.faults

    def rounds_of_updates(self, monkeypatch: pytest.MonkeyPatch, work: Awaitable[object]) -> list[int]:
        """Run some work: for each update that it begins, in which round of the event loop it does."""
        now = 0
        rounds: list[int] = []
        update = self.store.engine.update

        def begins(*arguments: Any) -> Any:
            rounds.append(now)
            return update(*arguments)

        async def count() -> None:
            nonlocal now
            while True:
                now += 1
                await asyncio.sleep(0)

        async def counted() -> None:
            counting = asyncio.ensure_future(count())
            await work
            counting.cancel()

        with monkeypatch.context() as patched:
            patched.setattr(self.store.engine, "update", begins)
            self.run(counted())
        return rounds

    def close(self) -> None:
        self.run(self.store.close())

    def restart(self) -> None:
        self.close()
        self.open()
