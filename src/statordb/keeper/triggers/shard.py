"""The work on one shard for one mapping: it is read, its records are filtered and go into lanes, and how far they are
done is kept."""

import asyncio
from functools import partial
from zlib import crc32

import orjson

from statordb.keeper.triggers.checkpoints import Checkpoints
from statordb.keeper.triggers.delivery import BatchDelivery, Surroundings
from statordb.keeper.triggers.events import PAYLOAD_BYTES_MAX, Event
from statordb.keeper.triggers.lane import ShardLane
from statordb.keeper.triggers.source import NAME, RecordsTrimmed, Source
from statordb.keeper.triggers.underway import Place
from statordb.keeper.triggers.windows import TumblingWindow
from statordb.store import changes, entries
from statordb.store.changes import Teller
from statordb.store.functions.mappings import Checkpoint
from statordb.store.log import ShardRecord
from statordb.store.store import Store
from statordb.store.streams import Stream
from statordb.store.terms import Change, PageBudget

POLL_SECONDS_MIN = 0.01  # between two looks at the log while records come
POLL_SECONDS_MAX = 0.05  # while none do
LAZY_SECONDS = 1.0  # between checkpoints of records that are only passed over
QUEUED_BYTES_MAX = 2 * PAYLOAD_BYTES_MAX  # for each lane of a shard: one batch that is sent, one that is gathered
_CHUNK = PageBudget(rows_max=100, bytes_max=256 << 10)  # filtered in one go: others run between two


class Shard:
    """One (mapping, shard). `run` returns when every record of a closed shard is done."""

    def __init__(self, source: Source, stream: Stream, shard_id: str, store: Store, around: Surroundings) -> None:
        self._source = source
        self._stream = stream
        self._id = shard_id
        self._store = store
        self._around = around
        self._position = 0  # everything up to here has been read
        self._queued_bytes = 0
        self._room = asyncio.Event()
        self._lazy_at = 0.0
        self.caught_up_at = 0.0
        self._teller = Teller(stream.arn, stream.region, stream.view, shard_id, to_function=True)
        self._partition_key = next(key["AttributeName"] for key in stream.key_schema if key["KeyType"] == "HASH")
        self._time = asyncio.get_running_loop().time
        self._window: TumblingWindow | None = None
        self._lanes: list[ShardLane] = []
        self._checkpoints: Checkpoints

    async def run(self) -> None:
        await self._begin()
        try:
            async with asyncio.TaskGroup() as group:
                keeping = group.create_task(self._checkpoints.run())
                running = [group.create_task(lane.run()) for lane in self._lanes]
                await self._read()
                for lane in self._lanes:
                    lane.finish()
                await asyncio.wait(running)
                keeping.cancel()
        except asyncio.CancelledError:
            try:
                await self._checkpoints.flush()
            except Exception as fault:
                self._source.report(NAME, fault)
            raise
        except ExceptionGroup as group:  # the first failure has cancelled the rest
            raise group.exceptions[0] from group
        self._checkpoints.want(Checkpoint(self._position, ended=True))
        await self._checkpoints.flush()
        self._source.end(self._id)

    async def _begin(self) -> None:
        """Go on where the mapping's checkpoint is; without one, at the beginning of the shard. An invocation that an
        earlier task of the shard has left is waited for: its records are sent again, but not beside it."""
        await self._around.underway.quiet(Place(self._source.record.uuid, self._id))
        record = self._source.record
        kept = await self._store.mappings.checkpoint(record.uuid, self._id)
        shard = self._source.shard(self._id)
        if kept is not None:
            self._position = kept.position
        elif shard is not None:
            self._position = shard.trimmed
        if record.window_seconds:
            seconds, window = record.window_seconds, None if kept is None else kept.window
            self._window = TumblingWindow(seconds, window, self._stream.arn, self._id)
        lanes = 1 if self._window else record.lanes  # what a function keeps in a window, it keeps for the shard
        self._lanes = [
            ShardLane(self._source, BatchDelivery(self._source, self._id, self._around, self._window), self, self._time)
            for _ in range(lanes)
        ]
        save = partial(self._store.mappings.save, record, self._id)
        self._checkpoints = Checkpoints(save, kept or Checkpoint(self._position))

    async def _read(self) -> None:
        """Fill the lanes until the shard is closed and read to its end."""
        pause = POLL_SECONDS_MIN
        while True:
            shard, now = self._source.shard(self._id), self._around.clock.now()
            if shard is not None:
                self._skip_trimmed(shard)
            found = await self._store.logs.read(self._stream, self._id, self._position, _CHUNK)
            if found:
                self._sort(found)
                pause = POLL_SECONDS_MIN
                await asyncio.sleep(0 if len(found) == _CHUNK.rows_max else pause)
            elif shard is None or shard.ending is not None:
                return
            else:
                self.caught_up_at = now
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, POLL_SECONDS_MAX)
            while self._queued_bytes > QUEUED_BYTES_MAX * len(self._lanes):
                self._room.clear()
                await self._room.wait()

    def _skip_trimmed(self, shard: ShardRecord) -> None:
        if shard.trimmed > self._position:
            self._source.report(NAME, RecordsTrimmed(self._source.record.uuid, self._id))
            self._position = shard.trimmed

    def _sort(self, found: list[Change]) -> None:
        """Filter records, and put each into its lane."""
        matchers, lanes, tell = self._source.matchers(), self._lanes, self._teller.tell
        read_at = self._time()
        for change in found:
            body = tell(change)
            if matchers:
                record = orjson.loads(body)
                if not any(matches(record) for matches in matchers):
                    continue
            event = Event(change.sequence, changes.happened_at(change.body), body, read_at)
            lane = lanes[0] if len(lanes) == 1 else lanes[self._lane_of(change)]
            lane.put(event)
            self._queued_bytes += event.size
        self._position = found[-1].sequence
        if read_at >= self._lazy_at and self._is_idle():
            self._lazy_at = read_at + LAZY_SECONDS
            self._checkpoint()

    def _lane_of(self, change: Change) -> int:
        """By the item's partition key, so that the changes of an item stay in order."""
        keys = orjson.loads(entries.keys(change.body))
        return crc32(orjson.dumps(keys[self._partition_key])) % len(self._lanes)

    def _is_idle(self) -> bool:
        return all(lane.lowest is None for lane in self._lanes)

    def progressed(self, taken_bytes: int) -> None:
        """A lane took records out of its queue, or has done some."""
        if taken_bytes:
            self._queued_bytes -= taken_bytes
            self._room.set()
        else:
            self._checkpoint()

    def _checkpoint(self) -> None:
        """Have kept what lies below everything that is not done."""
        undone = [lane.lowest for lane in self._lanes if lane.lowest is not None]
        position = min(undone) - 1 if undone else self._position
        self._checkpoints.want(Checkpoint(position, window=self._window.record() if self._window else None))
