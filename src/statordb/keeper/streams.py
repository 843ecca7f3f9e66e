"""Looks after streams: rolls shards that are old, trims records after 24 hours, forgets what is over."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from statordb.store import contention, streams
from statordb.store.barrier import Barrier
from statordb.store.records import TableRecord
from statordb.store.store import Store
from statordb.store.streams import RETENTION_SECONDS, StreamRecord
from statordb.store.terms import Refused

TRIM_SECONDS = 60.0  # between two looks for what is too old
TRIMMED_PER_RUN_MAX = 500


class Streams:
    """Each run settles and rolls what is due; once a minute it finds what is to be trimmed, and trims in chunks."""

    name = "streams"
    every_seconds = 0.5

    def __init__(self, store: Store) -> None:
        self._store = store
        self._epoch: int | None = None
        self._known: list[StreamRecord] = []
        self._trim_at = 0.0
        self._barriers: dict[int, tuple[Barrier, set[str]]] = {}  # by log space: of shards, by their ids
        self._trimming: dict[tuple[int, bytes], int] = {}  # by log space and shard: up to which sequence

    async def run_once(self) -> bool:
        more = await self._clear()  # of what was noted in an earlier run: who read the record before has read the log
        now = self._store.clock.now()
        epoch = self._store.engine.epoch()
        trims = now >= self._trim_at
        if epoch != self._epoch or trims or self._barriers:
            found = await self._store.streams.all()
            spaces = {stream.space for stream in found}
            self._barriers = {space: barrier for space, barrier in self._barriers.items() if space in spaces}
            self._known = [await self._settle(stream) for stream in found]
            self._epoch = epoch
        for stream in self._known:
            if self._is_due(stream, now):
                await self._roll(stream, now)
            if trims:
                await self._trim(stream, now)
        if trims:
            self._trim_at = now + TRIM_SECONDS
        return more

    async def _settle(self, stream: StreamRecord) -> StreamRecord:
        if stream.settled:
            return stream
        closed = {shard.id for shard in stream.shards if shard.closed_at is not None and shard.ending is None}
        barrier, before = self._barriers.get(stream.space, (None, closed))
        if barrier is None or closed != before:
            barrier = Barrier(self._store.engine, stream.space)
            self._barriers[stream.space] = barrier, closed
        if not await barrier.is_passed(self._store.clock.now()):
            return stream
        del self._barriers[stream.space]
        settled = await self._store.streams.settle(stream)
        await self._store.streams.change(stream, partial(_with_ends, known=settled))
        return settled

    def _is_due(self, stream: StreamRecord, now: float) -> bool:
        """Whether an open shard is old, or others than are wanted are open. One without records may grow old."""
        opened = [shard.opened_at for shard in stream.shards if shard.closed_at is None]
        if stream.disabled_at is not None or not opened:
            return False
        return (
            stream.rolling
            or now - min(opened) >= self._store.stream_shard_seconds
            or len(opened) < self._store.stream_shards
        )

    async def _roll(self, stream: StreamRecord, now: float) -> None:
        wanted = self._store.stream_shards
        if not self._store.engine.traits.guards:
            # The writes that pause will not have to wait for a process that is found to be dead by this.
            await contention.announce(self._store.engine)
            await self._change(stream, partial(replace, rolling=True))
        await self._change(stream, lambda current: streams.rolled(current, now, wanted))

    async def _change(self, stream: StreamRecord, change: Callable[[StreamRecord], StreamRecord]) -> None:
        """Alter a stream's record, and with it that of its table, while they belong together."""

        def both(table: TableRecord | None, current: StreamRecord | None) -> tuple[TableRecord, StreamRecord] | Refused:
            if table is None or current is None or table.stream_label != stream.label or table.stream is None:
                return Refused(None)
            changed = change(current)
            return replace(table, stream=changed.feed()), changed

        scope = (stream.account, stream.region, stream.table)
        await self._store.catalog.change_streamed(*scope, stream.label, both)

    async def _trim(self, stream: StreamRecord, now: float) -> None:
        """Note what is too old, in the stream's record first: readers are told so before anything goes."""
        horizon = now - RETENTION_SECONDS
        upto: dict[str, int] = {}
        over: set[str] = set()
        for shard in stream.shards:
            if await self._store.engine.log_end(stream.space, shard.id.encode()):
                upto[shard.id] = await self._store.streams.before(stream, shard, horizon)
            elif shard.closed_at is not None and shard.closed_at < horizon and shard.ending is not None:
                over.add(shard.id)
        if stream.disabled_at is not None and stream.disabled_at < horizon and len(over) == len(stream.shards):
            await self._store.engine.drop_space(stream.space)  # first, so that a crash between leaves no orphan
            await self._store.streams.change(stream, lambda current: None)
        elif over or any(upto.get(shard.id, 0) > shard.trimmed for shard in stream.shards):
            await self._store.streams.change(stream, partial(_trimmed, upto=upto, over=over))
        self._trimming |= {(stream.space, shard.encode()): last for shard, last in upto.items() if last}

    async def _clear(self) -> bool:
        """Delete a chunk of what was noted; True while there is more."""
        if not self._trimming:
            return False
        (space, shard), last = next(iter(self._trimming.items()))
        if not await self._store.engine.trim(space, shard, last, TRIMMED_PER_RUN_MAX):
            del self._trimming[space, shard]
        return bool(self._trimming)


def _with_ends(stream: StreamRecord, known: StreamRecord) -> StreamRecord:
    """The record with the starts and ends that were found out; other changes may have come between."""
    found = {shard.id: shard for shard in known.shards}
    shards = [
        replace(shard, start=found[shard.id].start, ending=found[shard.id].ending)
        if shard.id in found and found[shard.id].closed_at == shard.closed_at
        else shard
        for shard in stream.shards
    ]
    return replace(stream, shards=shards)


def _trimmed(stream: StreamRecord, upto: dict[str, int], over: set[str]) -> StreamRecord:
    shards = [
        replace(shard, trimmed=max(shard.trimmed, upto.get(shard.id, 0)))
        for shard in stream.shards
        if shard.id not in over
    ]
    return replace(stream, shards=shards)
