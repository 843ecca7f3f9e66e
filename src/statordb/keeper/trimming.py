"""Trims change logs of what nobody needs any more, and forgets shards, logs, streams and holds that are over."""

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial

from statordb.keeper.known_logs import KnownLogs, has_stream
from statordb.store.log import LogRecord, ShardRecord
from statordb.store.logs import RETENTION_SECONDS
from statordb.store.records import ARCHIVE, BACKUP, STREAM
from statordb.store.store import Store
from statordb.store.streams import StreamRecord

TRIMMED_PER_RUN_MAX = 500

Positions = dict[str, dict[str, int]]
"""Reader -> shard -> up to where it was read."""


class Trimming:
    """`noted`: what is to go, by space and shard: up to which sequence."""

    def __init__(self, store: Store, known: KnownLogs) -> None:
        self.noted: dict[tuple[int, bytes], int] = {}
        self._store = store
        self._known = known

    async def clear(self) -> bool:
        """Delete a chunk of what was noted; True while there is more."""
        if not self.noted:
            return False
        (space, shard), last = next(iter(self.noted.items()))
        if not await self._store.engine.trim(space, shard, last, TRIMMED_PER_RUN_MAX):
            del self.noted[space, shard]
        return bool(self.noted)

    async def look(self, log: LogRecord, ages: bool) -> None:
        """Note what nobody needs, in the log's record first: readers are told so before anything goes. `ages`: look at
        what streams have too."""
        now = self._store.clock.now()
        shards = [shard for shard in log.shards if not has_stream(shard) or (ages and _is_old(shard, now))]
        if not shards and (log.shards or not ages):
            return
        marks: dict[str, int] = {}
        needless: dict[tuple[int, bytes], int] = {}
        over: list[ShardRecord] = []
        positions: Positions | None = None
        for shard in shards:
            if not await self._store.engine.log_end(shard.space or log.space, shard.id.encode()):
                if _is_over(shard, now):
                    over.append(shard)
                continue
            if positions is None:
                positions = await self.positions(log)
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
            await self._known.look(log.name)
        self.noted |= needless

    async def positions(self, log: LogRecord) -> Positions:
        """Up to where those have read who still want to; what others said is forgotten."""
        holds = await self._store.holds.of(log.space)
        reading = {reader for reader in log.views if not reader.startswith(STREAM)}
        # As it stands now: what was announced may have been heard by those who read before it is heard here.
        table = await self._store.catalog.stored(*log.name)
        for destination in () if table is None else table.destinations:
            if destination.reader is not None and destination.log == log.space:
                reading.add(destination.reader)
        if any(reader.startswith(BACKUP) for shard in log.shards for reader in shard.readers):
            # A log is closed with its table, but a backup may still want what it has.
            reading |= {backup.reader for backup in await self._store.backups.unfinished() if backup.log == log.space}
        archived = await self._archived(log)
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
        held = {reader: {shard: hold.position for shard, hold in holds[reader].items()} for reader in reading}
        return held | archived

    async def _archived(self, log: LogRecord) -> Positions:
        """Up to where the archive has what the log has."""
        found: Positions = {}
        for reader in log.views:
            if reader.startswith(ARCHIVE):
                track = await self._store.tracks.find(log.account, log.region, reader.removeprefix(ARCHIVE))
                upto = 0 if track is None else track.upto  # none yet: it has just joined
                found[reader] = {shard.id: upto for shard in log.shards}
        return found

    async def forget(self) -> AsyncIterator[None]:
        """Forget what is over of streams, and of readers; gives back between two looks. All logs are to be known."""
        now = self._store.clock.now()
        async for stream in self._store.streams.each():
            if stream.disabled_at is not None and stream.disabled_at < now - RETENTION_SECONDS:
                await self._forget_stream(stream)
            yield
        held = {space async for space in self._store.holds.logs()}  # first: a log is there before anybody reads it
        yield
        gone = held.difference(self._known.spaces())
        if gone:
            async for log in self._store.logs.each():
                gone.discard(log.space)
        for space in gone:
            found = await self._store.holds.of(space)
            await self._store.holds.forget(space, [(reader, shard) for reader in found for shard in found[reader]])
            yield

    async def _forget_stream(self, stream: StreamRecord) -> None:
        """One that was disabled a day ago, unless there are shards of it. (A log is there no later than its stream.)"""
        log = await self._store.logs.find(stream.account, stream.region, stream.table, stream.space)
        if log is None or not log.shards_of(stream.reader):
            await self._store.streams.forget(stream)

    async def _needed(self, log: LogRecord, shard: ShardRecord, now: float, positions: Positions) -> tuple[int, int]:
        """Up to where a shard is gone for the readers of its stream, and up to where nobody needs it."""
        held = [positions[reader].get(shard.id, 0) for reader in shard.readers if reader in positions]
        if not has_stream(shard):
            end = await self._store.logs.end(log, shard)
            return 0, min(held, default=end)
        mark = await self._store.logs.before(log, shard, now - RETENTION_SECONDS)
        return mark, min([mark, *held])

    async def _drop(self, log: LogRecord) -> None:
        """Forget a log; its record last, so that a crash between leaves no orphan."""
        await self._store.engine.drop_space(log.space)
        await self._store.logs.change(log, lambda current: None)
        self._known.forget(log.space)


def _is_old(shard: ShardRecord, now: float) -> bool:
    """Whether a stream's shard can have records that are too old: a look at one costs round trips on a cluster."""
    return shard.opened_at < now - RETENTION_SECONDS


def _is_over(shard: ShardRecord, now: float) -> bool:
    """Whether a shard that has nothing any more may be forgotten."""
    if shard.closed_at is None or shard.ending is None:
        return False
    return not has_stream(shard) or shard.closed_at < now - RETENTION_SECONDS


def _trimmed(log: LogRecord, marks: dict[str, int], over: set[str]) -> LogRecord:
    shards = [
        replace(shard, trimmed=max(shard.trimmed, marks.get(shard.id, 0)))
        for shard in log.shards
        if shard.id not in over
    ]
    return replace(log, shards=shards)
