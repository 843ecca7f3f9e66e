"""The storage contract: keys and bytes, nothing of DynamoDB.

Everything that is kept goes through these calls; an engine is one implementation of `Engine`.

A key is `(space, partition, sort)`:

* `space`      8-byte integer id of one table, index or internal purpose; never used twice.
* `partition`  canonical bytes of the partition key, any length up to `Traits.partition_bytes_max`.
* `sort`       order-preserving bytes, b'' where there is none, up to `Traits.sort_bytes_max`.

Reads and updates are coroutines. An engine that needs no I/O wait finishes them without suspending, and the server then
answers without a Task.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple, Protocol


class Key(NamedTuple):
    """Address of one stored row."""

    space: int
    partition: bytes
    sort: bytes


class Stored(NamedTuple):
    """A row as read: its bytes, and a version that grows with every write of the key (deletions included)."""

    body: bytes
    version: int


class Row(NamedTuple):
    """A row of a page: where it is, and its bytes."""

    partition: bytes
    sort: bytes
    body: bytes


class Stop(Enum):
    """Why a page ended."""

    EXHAUSTED = "exhausted"
    ROWS = "row budget"
    BYTES = "byte budget"


EXHAUSTED, ROWS, BYTES = Stop.EXHAUSTED, Stop.ROWS, Stop.BYTES  # for hot paths: before Python 3.12 Stop.ROWS is a call

Place = tuple[bytes, bytes]
"""Where a row of a known space lies: its partition and its sort bytes."""


class Page:
    """A slice of a range or a scan. Go on behind `last`, unless `stop` is EXHAUSTED.

    bodies  of the rows, in order: all that most readers want.
    bytes   partition, sort and body bytes of all rows.
    place   tells where the row at an index lies.
    rows    the rows whole; made when asked for.
    names   of the rows, where an engine has them: space (8 bytes, big endian), hash of the partition, sort, all in one.
    heads   of a page whose bodies lack their fronts: bytes of which the first are those.
    """

    __slots__ = ("bodies", "bytes", "heads", "names", "place", "stop")

    def __init__(
        self,
        bodies: list[bytes],
        stop: Stop,
        bytes: int,
        place: Callable[[int], Place],
        names: "Sequence[bytes] | None" = None,
        heads: "Sequence[bytes] | None" = None,
    ) -> None:
        """`place` tells the place of the row at an index."""
        self.bodies = bodies
        self.names = names
        self.heads = heads
        self.stop = stop
        self.bytes = bytes
        self.place = place

    @property
    def rows(self) -> list[Row]:
        return [Row(*self.place(index), body) for index, body in enumerate(self.bodies)]

    @property
    def last(self) -> Place:
        """The place of the last row; there must be one."""
        return self.place(len(self.bodies) - 1)


class PageBudget(NamedTuple):
    """What one page may cost. A page stops after the row that reaches either maximum (so it holds at least one row).
    Bytes are those that are kept: of a sealed row, some more than its body has."""

    rows_max: int
    bytes_max: int


class Heads(NamedTuple):
    """Which rows of a read may be cut, so that it takes no longer than it must: once bodies make up `whole_bytes`, the
    next ones are only the first `head` bytes of theirs."""

    whole_bytes: int
    head: int


class Bounds(NamedTuple):
    """Half-open interval of sort bytes: lower <= sort < upper; upper None is unbounded."""

    lower: bytes = b""
    upper: bytes | None = None


class Change(NamedTuple):
    """One entry of a change log. Sequence numbers grow strictly per (stream, shard), in commit order."""

    sequence: int
    body: bytes


@dataclass(slots=True)
class Effects:
    """What a plan wants made durable, as one unit.

    writes   rows of footprint keys: body, or None to delete.
    derived  rows of derived spaces (index entries), blindly put (body) or deleted (None), each with the footprint key
             it is derived from: where that row is only read, the derived one is as old as it, and loses against what a
             later update of that row derives. None: as new as this update. What an update deletes is there again if it
             is put as what the update's row derives.
    changes  (stream space, shard bytes, body) appended to change logs, in this order.
    tallies  (space, rows delta, bytes delta): running totals read back with `usage`.
    announce every process must see this update before it uses what it cached (see `Engine.epoch`): names of what has
             changed, or True for anything.
    outcome  handed back to the caller of `update`, untouched by the engine.
    """

    writes: Sequence[tuple[Key, bytes | None]] = ()
    derived: Sequence[tuple[Key, bytes | None, Key | None]] = ()
    changes: Sequence[tuple[int, bytes, bytes]] = ()
    tallies: Sequence[tuple[int, int, int]] = ()
    announce: Sequence[str] | bool = False
    outcome: Any = None


@dataclass(slots=True)
class Refused:
    """A plan's expected no: nothing is written, the reason goes back to the caller of `update`."""

    reason: Any


@dataclass(slots=True)
class Stale:
    """A guard's version was not the expected one: nothing was written, the plan was not called."""

    key: Key


Plan = Callable[[list[Stored | None]], Effects | Refused]
"""Pure: no clock, no randomness, no await, never mutates what it was given. It may be called more than once, on other
rows each time, and in another thread while its caller waits."""

ABSENT = 0
"""The version of a row that is not there. Those of rows are above it."""

Guard = tuple[Key, int]
"""A key and the version it must still have when the update takes effect; ABSENT if there must be no row."""


class Use(Enum):
    """What a space is for.

    ROWS     rows that updates read and write.
    DERIVED  rows that are only ever derived; in a footprint they are looked at, and not relied upon.
    LOG      change logs only.
    """

    ROWS = "rows"
    DERIVED = "derived"
    LOG = "log"


@dataclass(frozen=True, slots=True)
class Traits:
    """What an engine can do, as plain data."""

    name: str
    sort_bytes_max: int
    partition_bytes_max: int
    global_indexes_strong: bool  # derived rows of other partitions are visible with the update that made them
    guards: bool  # guards are checked inside the update; else the catalog's lease protects
    epoch: bool  # `epoch()` tells at once of announced updates of other processes
    remote: bool  # reads wait for others: those that can go together should
    change_step: int  # by which the sequences of one update's changes differ; 0: no other update's come between them


class Usage(NamedTuple):
    """Running totals of a space."""

    rows: int
    bytes: int


class EngineClosed(Exception):
    """The engine was closed while, or before, the call was made; an update is known not to have happened."""


class OutcomeUnknown(Exception):
    """The update may or may not have happened, and could not be resolved."""


class Overloaded(Exception):
    """So much waits for the engine already that this was not taken: nothing was written. Ask again after a while."""


class Conflict(Exception):
    """Another update over several partitions holds rows of the footprint, and went on to: nothing was written, or read.

    `keys`: the rows of the footprint that are held, or that who holds them is about to hold.
    """

    def __init__(self, keys: Sequence[Key]) -> None:
        super().__init__(keys)
        self.keys = keys


class FormatTooNew(Exception):
    """The store was written by a newer release; args: (found, supported)."""


class StoreUnusable(Exception):
    """The store can't be opened; args[0] is one sentence for people."""


def as_it_is(digest: bytes) -> bytes:
    """`Engine.disguise` where rows are not sealed."""
    return digest


class ByName(NamedTuple):
    """Reads of single rows by their names (see `Page.names`), of an engine that has them.

    kept     what is kept under a name, None if nothing is. Whose row it is, is not looked at.
    several  the same of several names, all from one snapshot.
    body_at  where in that the body begins.
    """

    kept: Callable[[bytes], bytes | None]
    several: Callable[[Sequence[bytes]], list[bytes | None]]
    body_at: int


class Here(Protocol):
    """What an engine gives at once where it need not wait for rows: a coroutine costs more than such a read."""

    @property
    def by_name(self) -> ByName | None: ...

    def body(self, space: int, partition: bytes, sort: bytes, skip: int = 0) -> bytes | None:
        """The body of a row but for its first `skip` bytes; None if there is no such row."""
        ...

    def head(self, space: int, partition: bytes, sort: bytes, size: int) -> bytes | None:
        """The first bytes of the body of a row, at most `size`; None if there is no such row."""
        ...

    def bodies(self, keys: Sequence[Key]) -> list[bytes | None]:
        """The bodies of several rows, all from one snapshot."""
        ...

    def page(
        self,
        space: int,
        partition: bytes,
        bounds: Bounds,
        forward: bool,
        budget: PageBudget,
        after: bytes | None = None,
        skip: int = 0,
    ) -> Page:
        """As `Engine.range`; `skip`: as for a row. The page's bytes count the whole bodies all the same."""
        ...


class Engine(Protocol):
    """One store. Every method may be called from the event loop's thread only."""

    traits: Traits

    @property
    def here(self) -> Here | None:
        """Reads that need not wait; None of an engine whose traits say `remote`."""
        ...

    def epoch(self) -> int:
        """A number that differs once an announced update of any process has been acknowledged. Costs no I/O."""
        ...

    def announced(self, since: int) -> tuple[Sequence[str] | None, int]:
        """What was announced behind an epoch: names, in order, or None for anything; and the epoch up to which that
        tells, which is at least what `epoch` said before the call, and the one to go on behind. Costs no I/O."""
        ...

    async def get(self, key: Key, consistent: bool = True, skip: int = 0) -> Stored | None:
        """The row of one key: what `read` gives for it alone, in less time.

        `skip`: leave out that many bytes of the body's front, which saves a copy to those who would cut them off.
        """
        ...

    async def read(
        self, keys: Sequence[Key], consistent: bool = True, snapshot: bool = True, heads: Heads | None = None
    ) -> list[Stored | None]:
        """The rows of `keys`, in order, all from one snapshot unless that is not asked for. Raises Conflict.

        `heads`: which rows may be cut. An engine to which that saves nothing cuts none.
        """
        ...

    async def range(
        self,
        space: int,
        partition: bytes,
        bounds: Bounds,
        forward: bool,
        budget: PageBudget,
        after: bytes | None = None,
        consistent: bool = True,
        head: int | None = None,
    ) -> Page:
        """A slice of one partition in sort order, or against it.

        `after`: go on behind this sort key, which need not exist. `head`: give only that many bytes of each body's
        front, which saves copies to those who want no more; the page's bytes count the whole bodies all the same.
        """
        ...

    async def scan(
        self,
        space: int,
        segment: int,
        total: int,
        budget: PageBudget,
        after: tuple[bytes, bytes] | None = None,
        consistent: bool = True,
        head: int | None = None,
    ) -> Page:
        """A slice of segment `segment` of `total` in hash order; every row is in exactly one segment.

        `after`: go on behind this (partition, sort), which need not exist; if it lies in another segment, the result is
        what lies behind it in hash order within this segment. `head`: as for a range.
        """
        ...

    def segment_of(self, partition: bytes, total: int) -> int:
        """The one segment, of `total`, that holds the rows of a partition."""
        ...

    async def update(
        self, footprint: Sequence[Key], plan: Plan, guards: Sequence[Guard] = (), head: int | None = None
    ) -> Effects | Refused | Stale:
        """Atomic over the whole footprint: read it, call the plan, make its effects durable; answers only then.

        `head`: the plan looks at no more than that many bytes of each body's front, and may be given bodies that are
        cut behind them, where that saves something.

        An exception raised by the plan is raised here; nothing is written then, and other updates are not disturbed.
        Raises Conflict, Overloaded, OutcomeUnknown. What guards name is changed by announced updates, or else within
        this process.
        """
        ...

    async def log(self, stream: int, shard: bytes, after: int, budget: PageBudget) -> list[Change]:
        """Changes of a log with a sequence above `after` (0 for all), oldest first; the budget is as for a page.

        No change that appears later has a sequence below one that was given out: a reader that goes on behind the last
        misses none.
        """
        ...

    async def log_end(self, stream: int, shard: bytes) -> int:
        """The highest sequence that `log` would give out now, 0 if none."""
        ...

    async def usage(self, space: int) -> Usage:
        """Running totals of a space, by the tallies of its updates."""
        ...

    async def create_space(self, use: Use = Use.ROWS, within: int | None = None) -> int:
        """A new space id, never given before; ids below 1,000 are the server's own and never given.

        `within`: a space of ROWS, from whose rows those of this one are derived, each in the partition of its own; such
        a space is dropped with that one.
        """
        ...

    async def spaces(self) -> list[int]:
        """Every space that was made and not dropped, but those within others. Whoever makes one has it named before
        long, by a row or otherwise: else it can only be found here."""
        ...

    async def drop_space(self, space: int) -> None:
        """Forget every row, log and tally of a space. Returns once that is durable as an intention; the space itself
        comes back in the background, also after a restart (see `reclaim`)."""
        ...

    async def reclaim(self, rows_max: int) -> bool:
        """Delete up to about `rows_max` rows of dropped spaces; True while there is more. Called by the keeper."""
        ...

    async def trim(self, stream: int, shard: bytes, upto: int, rows_max: int) -> bool:
        """Delete log entries with a sequence of at most `upto`; True while there is more."""
        ...

    def disguise(self, digest: bytes) -> bytes:
        """The form in which a digest of a key may be kept, as long as it is. Where rows are sealed, nobody can compute
        it who has not the store's keys; else it is the digest."""
        ...

    def trouble(self) -> str | None:
        """Why no update is taken at present; None: they are. Costs no I/O."""
        ...

    def metrics(self) -> dict[str, float]:
        """Gauges and counters of this process: commits_total, updates_total, store_bytes, free_bytes and the like."""
        ...

    async def close(self) -> None:
        """Finish what was handed in, then close."""
        ...
