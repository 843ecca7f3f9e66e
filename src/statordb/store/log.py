"""A table's change log as the store keeps it: its shards, and who reads them.

A shard takes the changes of a range of partition keys (by hash) from when it is opened until it is closed; then its
children go on. A table's record says which shards its writes append to, the log's own record all that are still known;
both are changed in one update, and writes are guarded by the table's, so nothing is ever appended to a closed shard.

Readers come and go with shards: whoever begins to read, or has had enough, has the open shards closed and others opened
in their places, which say who reads them. So a reader has whole shards, and what the entries of a shard carry never
changes.

Where guards are not checked within updates, writes go by an old record for a moment. Then shards are replaced in two
steps: writes of the table pause; once nobody writes by the record before, the children are open. So all of an item's
changes in the parent were made before those in the child.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from hashlib import blake2b
from itertools import pairwise

from statordb.store import entries
from statordb.store.record import Kind, Record
from statordb.store.records import LogHead

HASH_MAX = (1 << 64) - 1
_STAMPED = "shardId-"


@dataclass(frozen=True, slots=True)
class ShardRecord(Record):
    """A shard. Takes partitions whose hash is from `lower` to `upper`. Times in seconds since the epoch.

    `start`: no sequence number of the shard is below; None, as `ending`, until the keeper has settled it (`settled`).
    Until then a closed shard is read as an open one is: records may still come.
    `trimmed`: records up to this sequence number are gone, or are to be. `readers`: those for whom it was opened.
    `space`: of one that was written before its table had this log.
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
    readers: list[str] = field(default_factory=list)
    space: int | None = None


@dataclass(frozen=True, slots=True)
class LogRecord(Record):
    """A table's log. `space` holds its shards. `views`: who wants what is written now, and in what view it is told.
    `rolling`: the table's writes wait for its shards to be replaced."""

    account: str
    region: str
    table: str
    space: int
    views: dict[str, str] = field(default_factory=dict)
    shards: list[ShardRecord] = field(default_factory=list)
    rolling: bool = False

    def shard(self, shard_id: str) -> ShardRecord | None:
        return next((shard for shard in self.shards if shard.id == shard_id), None)

    def shards_of(self, reader: str) -> list[ShardRecord]:
        """Those that are for a reader, parents before their children."""
        return [shard for shard in self.shards if reader in shard.readers]

    @property
    def name(self) -> tuple[str, str, str]:
        """Account, region and name of its table."""
        return self.account, self.region, self.table

    @property
    def open(self) -> list[str]:
        """The ids of its open shards."""
        return [shard.id for shard in self.shards if shard.closed_at is None]

    @property
    def settled(self) -> bool:
        """Whether the ends of all closed shards are known, and the starts of their children."""
        return all(
            shard.start is not None and (shard.closed_at is None) == (shard.ending is None) for shard in self.shards
        )

    @property
    def spaces(self) -> set[int]:
        """Every space that the log owns."""
        return {self.space} | {shard.space for shard in self.shards if shard.space is not None}

    def hurried(self, seconds: float) -> int:
        """How often, as far as is still known, shards were opened less than so many seconds after those before."""
        opened = sorted({shard.opened_at for shard in self.shards})
        return sum(later - earlier < seconds for earlier, later in pairwise(opened))

    def head(self) -> LogHead | None:
        """What the table's record has to say of it; None if nobody wants to be told of changes."""
        if not self.views:
            return None
        shards = sorted((shard.lower, shard.id) for shard in self.shards if shard.closed_at is None)
        carries = reduce(entries.union, self.views.values())
        return LogHead(self.space, carries, [list(pair) for pair in shards], self.rolling)


def rolled(log: LogRecord, views: Mapping[str, str], now: float, wanted: int) -> LogRecord:
    """The log with its open shards closed, and others opened for those of `views`; none if there are none.

    `wanted`: how many are to be open.
    """
    closed = [replace(shard, closed_at=now) if shard.closed_at is None else shard for shard in log.shards]
    children = _opened(log, sorted(views), now, wanted) if views else []
    return replace(log, views=dict(views), shards=[*closed, *children], rolling=False)


def _opened(log: LogRecord, readers: list[str], now: float, wanted: int) -> list[ShardRecord]:
    """Shards in place of those that are open (none: of a new log): one for each, more of the widest up to `wanted`."""
    # Ids sort children behind their parents, which consumers rely on.
    stamp = max([int(now * 1000), *(_stamp(shard.id) + 1 for shard in log.shards)])
    parents = [shard for shard in log.shards if shard.closed_at is None]
    ranges: list[tuple[int, int, str | None]] = [(shard.lower, shard.upper, shard.id) for shard in parents]
    ranges = ranges or [(0, HASH_MAX, None)]
    ranges.sort(key=lambda one: one[0] - one[1])  # the widest first
    made = []
    for place, (lower, upper, parent) in enumerate(ranges):
        shares = max(1, wanted // len(ranges) + (place < wanted % len(ranges)))
        edges = [lower + (upper + 1 - lower) * share // shares for share in range(shares + 1)]
        for low, above in pairwise(edges):
            tail = blake2b(f"{log.space}/{low}".encode(), digest_size=4).hexdigest()
            name = f"{_STAMPED}{stamp:020d}-{tail}"
            made.append(ShardRecord(name, parent, low, above - 1, now, None if parent else 0, readers=readers))
    return sorted(made, key=lambda shard: shard.id)


def _stamp(shard_id: str) -> int:
    """When a shard was opened, as its id tells; before all others one that has another id."""
    return int(shard_id.split("-")[1]) if shard_id.startswith(_STAMPED) else -1


def readable(shards: Sequence[ShardRecord], ended: Collection[str]) -> list[ShardRecord]:
    """Which shards of a reader are to be read now: those that are not at their end, while all before them are that took
    the same partitions. `shards`: the reader's, parents before their children."""
    return [
        shard
        for shard in shards
        if shard.id not in ended and all(earlier in ended for earlier in before(shards, shard))
    ]


def before(shards: Sequence[ShardRecord], shard: ShardRecord) -> list[str]:
    """The ids of those before a shard that took partitions of its range."""
    earlier = shards[: shards.index(shard)]
    return [each.id for each in earlier if each.lower <= shard.upper and shard.lower <= each.upper]


KIND = Kind(LogRecord)
dump, load = KIND.dump, KIND.load
