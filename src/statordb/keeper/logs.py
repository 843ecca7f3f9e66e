"""Looks after change logs: rolls shards that are old, trims what nobody needs any more, forgets what is over.

There may be thousands of logs, and on a cluster each look at one costs some round trips. So a run does what it has time
for, and the next one goes on from there; what readers and writes wait for comes first.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

from statordb.keeper.known_logs import KnownLogs
from statordb.keeper.rounds import in_rounds
from statordb.keeper.share import Share
from statordb.keeper.trimming import Trimming
from statordb.store import readers
from statordb.store.barrier import Barrier
from statordb.store.catalog import Rows
from statordb.store.log import LogRecord
from statordb.store.store import Store
from statordb.store.terms import Refused

RUN_SECONDS = 0.1  # for what a run may leave to the next one
AGE_SECONDS = 60.0  # between two looks for what is too old, if one has come to its end
HOLDS_SECONDS = 1.0  # between two looks at up to where shards were read that nobody reads but those who say so
ROLLING_SECONDS = 2.0  # that somebody else has to replace shards, once the writes pause
SETTLED_AT_ONCE = 32  # logs; on a cluster all of them wait for the same announcements
ROLLED_AT_ONCE = 32
LOOKED_AT_ONCE = 4


class Logs:
    """Each run settles and rolls what is due; from time to time it finds what is to be trimmed, and trims in chunks."""

    name = "logs"
    every_seconds = 0.5

    def __init__(self, store: Store, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._monotonic = monotonic
        self._begin()

    def _begin(self) -> None:
        self._known = KnownLogs(self._store)
        self._trimming = Trimming(self._store, self._known)
        self._age_at = self._holds_at = 0.0
        self._rolled = 0  # where among those that are due to be rolled the next run begins
        self._barriers: dict[int, tuple[Barrier, set[str]]] = {}  # by log space: of shards, by their ids
        self._looking: AsyncIterator[None] | None = None  # at up to where was read
        self._aging: AsyncIterator[None] | None = None

    async def rest(self) -> None:
        """Another keeper goes on: what is known here grows old."""
        self._begin()

    async def run_once(self) -> bool:
        more = await self._trimming.clear()  # noted in an earlier run: who read the record before has read the log
        share = Share(self._monotonic, RUN_SECONDS)
        now = self._store.clock.now()
        await self._known.hear()
        ages = now >= self._age_at and self._aging is None
        if ages and self._known.complete and self._age_at:
            self._known.read_again()
        await self._known.read_on(share)
        await self._settle_some()
        await self._roll_some(now)
        if now >= self._holds_at and self._looking is None:
            self._looking = self._look(list(self._known.unkept), ages=False)
            self._holds_at = now + HOLDS_SECONDS
        if ages and self._known.complete:
            self._aging = self._age()
            self._age_at = now + AGE_SECONDS
        self._looking = await _go_on(self._looking, share)
        self._aging = await _go_on(self._aging, share)
        return more

    async def _settle_some(self) -> None:
        unsettled = self._known.unsettled
        for space in self._barriers.keys() - unsettled.keys():
            del self._barriers[space]
        spaces = list(islice(unsettled, SETTLED_AT_ONCE))
        for space in spaces:  # they come last in the next run
            unsettled[space] = unsettled.pop(space)
        await _each(self._settle(self._known.of(space)) for space in spaces)

    async def _settle(self, log: LogRecord) -> None:
        closed = {shard.id for shard in log.shards if shard.closed_at is not None and shard.ending is None}
        barrier, before = self._barriers.get(log.space, (None, closed))
        if barrier is None or closed != before:
            barrier = Barrier(self._store.engine, log.space)
            self._barriers[log.space] = barrier, closed
        if await barrier.is_passed(self._store.clock.now()):
            del self._barriers[log.space]
            settled = await self._store.logs.settle(log)
            await self._store.logs.change(log, partial(_with_ends, known=settled))
            await self._known.look(log.name)

    async def _roll_some(self, now: float) -> None:
        due = self._known.due(now, ROLLING_SECONDS)
        if due:
            self._rolled %= len(due)  # what can't be rolled keeps nothing else from it
            some = [*due[self._rolled :], *due[: self._rolled]][:ROLLED_AT_ONCE]
            self._rolled += len(some)
            await _each(self._roll(log, now) for log in some)

    async def _roll(self, log: LogRecord, now: float) -> None:
        wanted = self._store.stream_shards

        def decide(rows: Rows) -> Rows | Refused:
            if rows.table is None or rows.table.log is None or rows.log is None or rows.log.space != log.space:
                return Refused(None)
            if rows.log.open != log.open:  # somebody has replaced them meanwhile
                return Refused(None)
            return readers.roll(rows, rows.log.views, now, wanted)

        table = await self._store.catalog.reload(*log.name)
        if table is not None:
            await readers.change(self._store, log.name, table.record, decide)

    async def _look(self, spaces: list[int], ages: bool) -> AsyncIterator[None]:
        """Look for what is to be trimmed, at a few logs at once. One where that fails keeps no other from it."""
        faults: list[Exception] = []
        for at in range(0, len(spaces), LOOKED_AT_ONCE):
            logs = [self._known.get(space) for space in spaces[at : at + LOOKED_AT_ONCE]]
            try:
                await _each(self._trimming.look(log, ages) for log in logs if log is not None)
            except Exception as fault:
                faults.append(fault)
            yield
        if faults:
            raise faults[0]

    async def _age(self) -> AsyncIterator[None]:
        async for _ in self._look(self._known.spaces(), ages=True):
            yield
        async for _ in self._trimming.forget():
            yield


async def _go_on(work: AsyncIterator[None] | None, share: Share) -> AsyncIterator[None] | None:
    """Do as much of it as there is a share left; what is left of it."""
    while work is not None and share.left():
        try:
            await anext(work)
        except StopAsyncIteration:
            return None
        await asyncio.sleep(0)
    return work


async def _each(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """All of them to their ends, beside each other; then the first fault of them is raised."""
    for fault in await in_rounds(map(_fault, works)):
        if fault is not None:
            raise fault


async def _fault(work: Coroutine[Any, Any, None]) -> Exception | None:
    try:
        await work
    except Exception as fault:
        return fault
    return None


def _with_ends(log: LogRecord, known: LogRecord) -> LogRecord:
    """The record with the starts and ends that were found out; other changes may have come between."""
    found = {shard.id: shard for shard in known.shards}
    shards = [
        replace(shard, start=found[shard.id].start, ending=found[shard.id].ending)
        if shard.id in found and found[shard.id].closed_at == shard.closed_at
        else shard
        for shard in log.shards
    ]
    return replace(log, shards=shards)
