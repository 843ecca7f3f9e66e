"""Delivery of one shard of a table's log to a Kinesis data stream.

What Kinesis has taken is told by a hold, which is the only checkpoint: up to the oldest change that was not taken.
"""

import asyncio
from collections.abc import Callable, Sequence
from itertools import takewhile

from statordb.keeper.kinesis_calls import Calls
from statordb.keeper.kinesis_records import MILLISECOND, Encoder, happened_at
from statordb.keeper.kinesis_window import SendWindow
from statordb.store.holds import Hold
from statordb.store.log import ShardRecord
from statordb.store.logs import RETENTION_SECONDS
from statordb.store.records import DestinationRecord
from statordb.store.store import Store
from statordb.store.terms import Change, PageBudget

READS_MAX = 50  # of the log, before each call
READ_RECORDS_MAX = 100  # others run between two reads, and a record takes up to 0.1 ms
IDLE_SECONDS = 0.05
HOLD_SECONDS = 1.0  # a hold costs a transaction, so not every call has one
EXPIRE_SECONDS = 60.0  # between two looks for changes that waited too long

_CHUNK = PageBudget(rows_max=READ_RECORDS_MAX, bytes_max=256 << 10)
_ONE = PageBudget(rows_max=1, bytes_max=1)  # a budget's first row is given whatever its size

Warn = Callable[..., None]


class ShardDelivery:
    """What is sent of one shard. `read_up`: all of it was read, and nothing will follow; `ended`: all of it was sent.

    `earlier`: deliveries of shards before it, of which all was read, but not all was sent.
    """

    def __init__(
        self,
        store: Store,
        destination: DestinationRecord,
        shard: ShardRecord,
        encoder: Encoder,
        hold: Hold,
        earlier: Sequence["ShardDelivery"],
        warn: Warn,
    ) -> None:
        assert destination.reader is not None
        assert destination.log is not None
        self._store = store
        self._log, self._reader = destination.log, destination.reader
        self._space = shard.space or destination.log
        self._id = shard.id
        self._warn = warn
        self._window: SendWindow = SendWindow(encoder, hold.position, [delivery._window for delivery in earlier])
        self._held = hold.position
        self._hold_at = self._expire_at = 0.0
        self.ended = self.read_up = hold.ended

    async def turn(self, calls: Calls | None, shard: ShardRecord, precision: str | None, now: float) -> float:
        """At most one call; returns the seconds until the next turn. `calls` None: there is no endpoint. `shard`: as it
        is known now."""
        if now >= self._expire_at:
            await self._expire(now - RETENTION_SECONDS)
            self._expire_at = now + EXPIRE_SECONDS
            if calls is None and shard.ending is not None and not await self._waiting(self._held):
                await self._end()
        if calls is None:
            return IDLE_SECONDS
        window = self._window
        at_end = await self._fill(precision or MILLISECOND)
        self.read_up = self.read_up or (at_end and shard.ending is not None)
        if window:
            pause = await calls.send(window)
        else:
            pause = 0.0 if window.exhausted() or (not at_end and window.may_look_ahead()) else IDLE_SECONDS
        if self.read_up and window.idle:
            await self._end()
            return 0.0
        if now >= self._hold_at:
            await self._hold()
            self._hold_at = now + HOLD_SECONDS
        return pause

    async def _end(self) -> None:
        await self._hold(ended=True)
        self.ended = self.read_up = True

    async def has_unsent(self) -> bool:
        return not self._window.idle or bool(await self._waiting(self._window.read))

    async def _fill(self, precision: str) -> bool:
        """Read on as long as the window has room, what was passed over first as it is older. Returns whether there is
        no more to be read now."""
        window = self._window
        too_large = 0
        at_end = False
        for key in window.exhausted():
            while (sequence := window.next_passed(key)) is not None:
                found = await self._store.engine.log(self._space, self._id.encode(), sequence - 1, _ONE)
                if not found:  # the log is gone with its table
                    return True
                too_large += window.recall(key, found[0], precision)
            await asyncio.sleep(0)
        for _ in range(READS_MAX):
            if not window.may_look_ahead():
                break
            found = await self._waiting(window.read)
            if not found:
                at_end = True
                break
            too_large += window.look_ahead(found, precision)
            await asyncio.sleep(0)
        if too_large:
            self._warn("kinesis records are too large", records=too_large)
        return at_end

    async def _waiting(self, after: int) -> list[Change]:
        return await self._store.engine.log(self._space, self._id.encode(), after, _CHUNK)

    async def _hold(self, ended: bool = False) -> None:
        """Have kept up to where nothing is needed any more."""
        position = max(self._held, self._window.done())
        if ended or position > self._held:
            await self._store.holds.keep(self._log, self._reader, self._id, Hold(position, ended))
            self._held = position

    async def _expire(self, before: float) -> None:
        """Give up changes that happened before a moment, up to the first that did not: what lies behind that one out of
        order is older by a moment only, and goes with the next look."""
        lost = 0
        upto = max(self._held, self._window.done())
        while True:
            found = await self._waiting(upto)
            expired = list(takewhile(lambda change: happened_at(change) < before, found))
            if not expired:
                break
            lost += sum([self._window.is_unsent(change) for change in expired])
            upto = expired[-1].sequence
            await asyncio.sleep(0)
        self._window.forget(upto)
        await self._hold()
        if lost:
            self._warn("kinesis records waited too long", records=lost)
