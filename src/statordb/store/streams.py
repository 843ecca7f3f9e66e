"""Streams: records of a table's changes, kept for 24 hours in shards.

A shard takes the changes of a range of partition keys (by hash) from when it is opened until it is closed; then its
children go on. A table's record says which shards its writes append to, a stream's record all that are still known;
both are changed in one update, and writes are guarded by the table's, so nothing is ever appended to a closed shard.

Where guards are not checked within updates, writes go by an old record for a moment. Then shards are replaced in two
steps: writes of the table pause; once nobody writes by the record before, the children are open. So all of an item's
changes in the parent were made before those in the child.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import pairwise

from statordb.engine.contract import Bounds, Budget, Change, Effects, Engine, Key, Refused, Stop, Stored
from statordb.store import changes, contention
from statordb.store.keyspace import Space, prefix_end
from statordb.store.record import Kind, Record
from statordb.store.records import FeedRecord
from statordb.store.rows import PAGE, all_rows

RETENTION_SECONDS = 24 * 3600.0  # developer guide, "Change data capture for DynamoDB Streams"
HASH_MAX = (1 << 64) - 1
DISORDER_SECONDS = 2.0  # a record with a later place in the log may be older than its neighbour by so much at most
CACHED_MAX = 256  # parsed records


@dataclass(frozen=True, slots=True)
class ShardRecord(Record):
    """A shard. Takes partitions whose hash is from `lower` to `upper`. Times in seconds since the epoch.

    `start`: no sequence number of the shard is below; None, as `ending`, until the keeper has settled it (`settle`).
    Until then a closed shard is read as an open one is: records may still come.
    `trimmed`: records up to this sequence number are gone, or are to be.
    """

    id: str
    parent: str | None
    lower: int
    upper: int
    opened_at: float
    start: int | None
    closed_at: float | None = None
    ending: int | None = None
    trimmed: int = 0


@dataclass(frozen=True, slots=True)
class StreamRecord(Record):
    """A stream. `space` holds its logs. `settles_at`: until then it is ENABLING, or DISABLING. `rolling`: the table's
    writes wait for its shards to be replaced."""

    account: str
    region: str
    table: str
    table_id: str
    label: str
    space: int
    view: str
    key_schema: list[dict[str, str]]
    created_at: float
    settles_at: float
    shards: list[ShardRecord]
    disabled_at: float | None = None
    rolling: bool = False

    @property
    def arn(self) -> str:
        return f"arn:aws:dynamodb:{self.region}:{self.account}:table/{self.table}/stream/{self.label}"

    def status_at(self, now: float) -> str:
        """ENABLING, ENABLED, DISABLING or DISABLED."""
        word = "ENABL" if self.disabled_at is None else "DISABL"
        return word + ("ING" if now < self.settles_at else "ED")

    def shard(self, shard_id: str) -> ShardRecord | None:
        return next((shard for shard in self.shards if shard.id == shard_id), None)

    @property
    def settled(self) -> bool:
        """Whether the ends of all closed shards are known, and the starts of their children."""
        return all(
            shard.start is not None and (shard.closed_at is None) == (shard.ending is None) for shard in self.shards
        )

    def feed(self) -> FeedRecord:
        """What the table's record has to say of the stream."""
        shards = sorted((shard.lower, shard.id) for shard in self.shards if shard.closed_at is None)
        return FeedRecord(self.space, self.view, [list(pair) for pair in shards], self.rolling)


class Streams:
    """Finds, lists, reads and alters streams. What is known of a record is compared with the store each time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._parsed: dict[Key, tuple[int, StreamRecord]] = {}  # with the row's version

    async def find(self, account: str, region: str, table: str, label: str) -> StreamRecord | None:
        """The stream of that ARN, settled as far as it can be; None if there is none (any more)."""
        key = key_of(account, region, table, label)
        stored = await self._engine.get(key)
        if stored is None:
            return None
        version, record = self._parsed.get(key, (None, None))
        if record is None or version != stored.version:
            record = load(stored.body)
            if len(self._parsed) >= CACHED_MAX:
                self._parsed.clear()
            self._parsed[key] = stored.version, record
        return await self.settle(record) if self._engine.traits.guards else record

    async def page(
        self, account: str, region: str, table: str | None, after: tuple[str, str] | None, limit: int
    ) -> tuple[list[StreamRecord], bool]:
        """Streams in the order of (table, label) behind `after`, at most `limit`, and whether there are more."""
        prefix = b"" if table is None else table.encode() + b"\0"
        bounds = Bounds(prefix, prefix_end(prefix) if prefix else None)
        last = None if after is None else "\0".join(after).encode()
        page = await self._engine.range(
            Space.STREAMS, _partition(account, region), bounds, True, Budget(limit + 1, PAGE.bytes_max), last
        )
        found = [load(body) for body in page.bodies]
        return found[:limit], len(found) > limit or page.stop is Stop.BYTES

    async def all(self) -> Sequence[StreamRecord]:
        """Every stream of every account and region, for the keeper."""
        return [load(row.body) async for row in all_rows(self._engine, Space.STREAMS)]

    async def read(self, stream: StreamRecord, shard: str, after: int, budget: Budget) -> list[Change]:
        """Changes of a shard with sequence numbers above `after`, in order: all that can ever come before the last."""
        return await self._engine.log(stream.space, shard.encode(), after, budget)

    async def end(self, stream: StreamRecord, shard: ShardRecord) -> int:
        """Where a shard ends now: what is written later has a higher sequence number."""
        return max(shard.start or 0, shard.trimmed, await self._engine.log_end(stream.space, shard.id.encode()))

    async def before(self, stream: StreamRecord, shard: ShardRecord, moment: float) -> int:
        """A sequence number: the record behind it was made at a moment (seconds) or later, the one at it before.

        Times only nearly grow along a log: each is taken when a write begins, and its place when it commits.
        """
        low, high = shard.trimmed, await self.end(stream, shard)
        while low < high:
            middle = (low + high) // 2
            found = await self.read(stream, shard.id, middle, Budget(1, 1))
            if not found or changes.happened_at(found[0].body) >= moment:
                high = middle
            else:
                low = found[0].sequence
        return low

    async def at(self, stream: StreamRecord, shard: ShardRecord, moment: float) -> int:
        """The sequence number just below that of the first record which was made at a moment (seconds) or later."""
        after = await self.before(stream, shard, moment - DISORDER_SECONDS)
        while page := await self.read(stream, shard.id, after, PAGE):
            for sequence, body in page:
                if changes.happened_at(body) >= moment:
                    return after
                after = sequence
        return max(after, await self.end(stream, shard))

    async def settle(self, stream: StreamRecord) -> StreamRecord:
        """The record with the ends of closed shards, and the starts of their children, filled in.

        Where updates don't check guards, a write may still append to a shard after it was closed: then only the keeper
        settles it, behind a `Barrier`.
        """
        if stream.settled:
            return stream
        settled: dict[str, ShardRecord] = {}
        follows = self._engine.traits.guards  # else numbers grow along a log, and for an item, but not beyond
        for shard in stream.shards:  # parents come before their children
            start = shard.start
            if start is None:
                parent = settled.get(shard.parent or "")
                start = 0 if not follows or parent is None or parent.ending is None else parent.ending + 1
            known = replace(shard, start=start)
            if shard.closed_at is not None and shard.ending is None:
                known = replace(known, ending=await self.end(stream, known))
            settled[shard.id] = known
        return replace(stream, shards=list(settled.values()))

    async def change(self, stream: StreamRecord, change: Callable[[StreamRecord], StreamRecord | None]) -> None:
        """Alter, or forget, a stream's record where its table's needs no change; nothing if it is gone."""
        key = key_of(stream.account, stream.region, stream.table, stream.label)

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            row = stored[0]
            if row is None:
                return Refused(None)
            changed = change(load(row.body))
            return Effects(writes=((key, None if changed is None else dump(changed)),))

        await contention.update(self._engine, (key,), plan)


def opened(space: int, previous: Sequence[ShardRecord], now: float, wanted: int) -> list[ShardRecord]:
    """Shards in place of `previous` ones (none: of a new stream): one for each, more of the widest up to `wanted`."""
    parents = [shard for shard in previous if shard.closed_at is None]
    stamp = int(now * 1000)
    if previous:  # ids sort children behind their parents, which consumers rely on
        stamp = max(stamp, max(int(shard.id.split("-")[1]) for shard in previous) + 1)
    ranges: list[tuple[int, int, str | None]] = [(shard.lower, shard.upper, shard.id) for shard in parents]
    ranges = ranges or [(0, HASH_MAX, None)]
    ranges.sort(key=lambda one: one[0] - one[1])  # the widest first
    made = []
    for place, (lower, upper, parent) in enumerate(ranges):
        shares = max(1, wanted // len(ranges) + (place < wanted % len(ranges)))
        edges = [lower + (upper + 1 - lower) * share // shares for share in range(shares + 1)]
        for low, above in pairwise(edges):
            tail = blake2b(f"{space}/{low}".encode(), digest_size=4).hexdigest()
            name = f"shardId-{stamp:020d}-{tail}"
            made.append(ShardRecord(name, parent, low, above - 1, now, None if parent else 0))
    return sorted(made, key=lambda shard: shard.id)


def rolled(stream: StreamRecord, now: float, wanted: int) -> StreamRecord:
    """The stream with its open shards closed and their children opened."""
    children = opened(stream.space, stream.shards, now, wanted)
    return replace(stream, shards=[*_closed(stream.shards, now), *children], rolling=False)


def disabled(stream: StreamRecord, now: float, delay: float) -> StreamRecord:
    """The stream with all its shards closed, for good."""
    return replace(stream, shards=_closed(stream.shards, now), disabled_at=now, settles_at=now + delay)


def _closed(shards: Sequence[ShardRecord], now: float) -> list[ShardRecord]:
    return [replace(shard, closed_at=now) if shard.closed_at is None else shard for shard in shards]


def key_of(account: str, region: str, table: str, label: str) -> Key:
    return Key(Space.STREAMS, _partition(account, region), f"{table}\0{label}".encode())


def _partition(account: str, region: str) -> bytes:
    return f"streams/{account}/{region}".encode()


KIND = Kind(StreamRecord)
dump, load = KIND.dump, KIND.load
