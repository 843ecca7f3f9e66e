"""Looks after change logs: rolls shards that are old, trims what nobody needs any more, forgets what is over."""

from dataclasses import replace
from functools import partial

from statordb.store import readers
from statordb.store.barrier import Barrier
from statordb.store.catalog import Rows
from statordb.store.log import LogRecord, ShardRecord
from statordb.store.logs import RETENTION_SECONDS
from statordb.store.records import STREAM
from statordb.store.store import Store
from statordb.store.terms import Refused

AGE_SECONDS = 60.0  # between two looks for what is too old
HOLDS_SECONDS = 1.0  # between two looks at up to where shards were read that nobody reads but those who say so
ROLLING_SECONDS = 2.0  # that somebody else has to replace shards, once the writes pause
TRIMMED_PER_RUN_MAX = 500

Positions = dict[str, dict[str, int]]
"""Reader -> shard -> up to where it was read."""


class Logs:
    """Each run settles and rolls what is due; from time to time it finds what is to be trimmed, and trims in chunks."""

    name = "logs"
    every_seconds = 0.5

    def __init__(self, store: Store) -> None:
        self._store = store
        self._epoch: int | None = None
        self._known: list[LogRecord] = []
        self._rolling: dict[int, float] = {}  # logs whose shards somebody is replacing, and since when that is known
        self._age_at = self._holds_at = 0.0
        self._barriers: dict[int, tuple[Barrier, set[str]]] = {}  # by log space: of shards, by their ids
        self._trimming: dict[tuple[int, bytes], int] = {}  # by space and shard: up to which sequence

    async def run_once(self) -> bool:
        more = await self._clear()  # of what was noted in an earlier run: who read the record before has read the log
        now = self._store.clock.now()
        epoch = self._store.engine.epoch()
        ages = now >= self._age_at
        if epoch != self._epoch or ages or self._barriers:
            found = await self._store.logs.all()
            spaces = {log.space for log in found}
            self._barriers = {space: barrier for space, barrier in self._barriers.items() if space in spaces}
            self._known = [await self._settle(log) for log in found]
            self._rolling = {log.space: self._rolling.get(log.space, now) for log in found if log.rolling}
            self._epoch = epoch
        for log in self._known:
            if self._is_due(log, now):
                await self._roll(log, now)
        if ages or now >= self._holds_at:
            for log in self._known:
                await self._trim(log, now, ages)
            self._holds_at = now + HOLDS_SECONDS
        if ages:
            await self._forget_streams(now)
            await self._forget_holds()
            self._age_at = now + AGE_SECONDS
        return more

    async def _settle(self, log: LogRecord) -> LogRecord:
        if log.settled:
            return log
        closed = {shard.id for shard in log.shards if shard.closed_at is not None and shard.ending is None}
        barrier, before = self._barriers.get(log.space, (None, closed))
        if barrier is None or closed != before:
            barrier = Barrier(self._store.engine, log.space)
            self._barriers[log.space] = barrier, closed
        if not await barrier.is_passed(self._store.clock.now()):
            return log
        del self._barriers[log.space]
        settled = await self._store.logs.settle(log)
        await self._store.logs.change(log, partial(_with_ends, known=settled))
        return settled

    def _is_due(self, log: LogRecord, now: float) -> bool:
        """Whether an open shard is old, or others than are wanted are open. One without records may grow old."""
        opened = [shard.opened_at for shard in log.shards if shard.closed_at is None]
        since = self._rolling.get(log.space)
        if since is not None:  # who does it may be dead
            return now - since >= ROLLING_SECONDS
        return bool(opened) and (
            now - min(opened) >= self._store.stream_shard_seconds or len(opened) < self._store.stream_shards
        )

    async def _roll(self, log: LogRecord, now: float) -> None:
        wanted = self._store.stream_shards

        def decide(rows: Rows) -> Rows | Refused:
            if rows.table is None or rows.table.log is None or rows.log is None or rows.log.space != log.space:
                return Refused(None)
            if rows.log.open != log.open:  # somebody has replaced them meanwhile
                return Refused(None)
            return readers.roll(rows, rows.log.views, now, wanted)

        name = (log.account, log.region, log.table)
        table = await self._store.catalog.reload(*name)
        if table is not None:
            await readers.change(self._store, name, table.record, decide)

    async def _trim(self, log: LogRecord, now: float, ages: bool) -> None:
        """Note what nobody needs, in the log's record first: readers are told so before anything goes. `ages`: look at
        what streams have too."""
        shards = [shard for shard in log.shards if ages or not _has_stream(shard)]
        if not shards and (log.shards or not ages):
            return
        positions = await self._positions(log)
        marks: dict[str, int] = {}
        needless: dict[tuple[int, bytes], int] = {}
        over: list[ShardRecord] = []
        for shard in shards:
            if not await self._store.engine.log_end(shard.space or log.space, shard.id.encode()):
                if _is_over(shard, now):
                    over.append(shard)
                continue
            marks[shard.id], upto = await self._needed(log, shard, now, positions)
            if upto:
                needless[shard.space or log.space, shard.id.encode()] = upto
        for shard in over:
            if shard.space is not None:
                await self._store.engine.drop_space(shard.space)
        if not log.views and len(over) == len(log.shards):
            await self._drop(log)
        elif over or any(marks.get(shard.id, 0) > shard.trimmed for shard in log.shards):
            gone = {shard.id for shard in over}
            await self._store.logs.change(log, partial(_trimmed, marks=marks, over=gone))
            self._epoch = None
        self._trimming |= needless

    async def _needed(self, log: LogRecord, shard: ShardRecord, now: float, positions: Positions) -> tuple[int, int]:
        """Up to where a shard is gone for the readers of its stream, and up to where nobody needs it."""
        held = [positions[reader].get(shard.id, 0) for reader in shard.readers if reader in positions]
        if not _has_stream(shard):
            end = await self._store.logs.end(log, shard)
            return 0, min(held, default=end)
        mark = await self._store.logs.before(log, shard, now - RETENTION_SECONDS)
        return mark, min([mark, *held])

    async def _positions(self, log: LogRecord) -> Positions:
        """Up to where those have read who still want to; what others said is forgotten."""
        holds = await self._store.holds.of(log.space)
        reading = {reader for reader in log.views if not reader.startswith(STREAM)}
        for table in await self._store.catalog.all():
            for destination in table.destinations:
                if destination.reader is not None and destination.log == log.space:
                    reading.add(destination.reader)
        known = {shard.id for shard in log.shards}
        if any(shard not in known for found in holds.values() for shard in found):  # opened since the log was read?
            current = await self._store.logs.find(log.account, log.region, log.table, log.space)
            known |= set() if current is None else {shard.id for shard in current.shards}
        stale = [
            (reader, shard)
            for reader, found in holds.items()
            for shard in found
            if reader not in reading or shard not in known
        ]
        await self._store.holds.forget(log.space, stale)
        return {reader: {shard: hold.position for shard, hold in holds[reader].items()} for reader in reading}

    async def _drop(self, log: LogRecord) -> None:
        """Forget a log; its record last, so that a crash between leaves no orphan."""
        await self._store.engine.drop_space(log.space)
        await self._store.logs.change(log, lambda current: None)
        self._known = [known for known in self._known if known.space != log.space]

    async def _forget_streams(self, now: float) -> None:
        """Forget streams that were disabled a day ago and have no shards any more."""
        streams = await self._store.streams.all()  # first: a log is there no later than its stream
        logs = await self._store.logs.all()
        shards = {log.space: {reader for shard in log.shards for reader in shard.readers} for log in logs}
        for stream in streams:
            if stream.disabled_at is None or stream.disabled_at >= now - RETENTION_SECONDS:
                continue
            if stream.reader not in shards.get(stream.space, ()):
                await self._store.streams.forget(stream)

    async def _forget_holds(self) -> None:
        """Forget what was kept of logs that are gone."""
        held = await self._store.holds.logs()  # first: a log is there before anybody reads it
        for space in held - {log.space for log in await self._store.logs.all()}:
            found = await self._store.holds.of(space)
            await self._store.holds.forget(space, [(reader, shard) for reader in found for shard in found[reader]])

    async def _clear(self) -> bool:
        """Delete a chunk of what was noted; True while there is more."""
        if not self._trimming:
            return False
        (space, shard), last = next(iter(self._trimming.items()))
        if not await self._store.engine.trim(space, shard, last, TRIMMED_PER_RUN_MAX):
            del self._trimming[space, shard]
        return bool(self._trimming)


def _has_stream(shard: ShardRecord) -> bool:
    return any(reader.startswith(STREAM) for reader in shard.readers)


def _is_over(shard: ShardRecord, now: float) -> bool:
    """Whether a shard that has nothing any more may be forgotten."""
    if shard.closed_at is None or shard.ending is None:
        return False
    return not _has_stream(shard) or shard.closed_at < now - RETENTION_SECONDS


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


def _trimmed(log: LogRecord, marks: dict[str, int], over: set[str]) -> LogRecord:
    shards = [
        replace(shard, trimmed=max(shard.trimmed, marks.get(shard.id, 0)))
        for shard in log.shards
        if shard.id not in over
    ]
    return replace(log, shards=shards)
