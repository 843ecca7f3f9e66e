"""The embedded store in a lane: it reads and plans there, and the worker that asked writes.

Nothing that goes over the stream between them is looked into on the way. `wanted` says what is to be done, and is empty
for an update.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import orjson

from statordb.engine.contract import Use
from statordb.engine.lmdb.engine import LmdbEngine
from statordb.engine.lmdb.environment import join_environment
from statordb.engine.lmdb.keys import SPREAD
from statordb.engine.lmdb.lane import APPLIED, LaneEngine, verdict_of
from statordb.engine.lmdb.turn import WriteFailed
from statordb.metering.taps import Taken
from statordb.server.lane import counted
from statordb.server.lane.counted import COUNTED

CREATE_SPACE, DROP_SPACE = b"create_space", b"drop_space"

Accept = Callable[[Taken], None]
Ask = Callable[[bytes, bytes], Awaitable[bytes]]
"""ask(wanted, argument) -> verdict. Raises OutcomeUnknown where the other end is gone."""


class RelayedEngine(LaneEngine):
    """An engine that has all its writes made by `ask`."""

    def __init__(self, path: Path, durable: bool, ask: Ask) -> None:
        """Raises StoreUnusable, FormatTooNew."""
        super().__init__(*join_environment(path, durable), SPREAD, partial(ask, b""))
        self._ask = ask

    async def create_space(self, use: Use = Use.ROWS, within: int | None = None) -> int:
        return int(await self._done(CREATE_SPACE, (use.value, within)))

    async def drop_space(self, space: int) -> None:
        await self._done(DROP_SPACE, space)

    async def _done(self, wanted: bytes, argument: object) -> bytes:
        verdict = await self._ask(wanted, orjson.dumps(argument))
        if verdict[:1] != APPLIED:
            raise WriteFailed(verdict[1:].decode())
        return verdict[1:]


async def make(engine: LmdbEngine, accept: Accept, wanted: bytes, argument: bytes) -> bytes:
    """Do in a worker what a lane wants; the verdict. `accept` takes what was counted there. Raises nothing."""
    if not wanted:
        return await engine.apply(argument)
    try:
        given = orjson.loads(argument)
        if wanted == COUNTED:
            counted.accept(given, accept)
            return APPLIED
        if wanted == CREATE_SPACE:
            use, within = given
            return APPLIED + str(await engine.create_space(Use(use), within)).encode()
        await engine.drop_space(given)
        return APPLIED
    except Exception as fault:
        return verdict_of(fault)
