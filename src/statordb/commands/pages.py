"""Pages of Query and Scan: rows until the limit, one megabyte, or the end, read and chosen in slices.

A page stops after the row that reaches the limit or 1 MB of item sizes, as DynamoDB's does (developer guide,
"Paginating table query results"), so it holds at least one row if there is any.
"""

from collections.abc import Awaitable, Sequence
from typing import Protocol

from statordb.commands.turns import Turn
from statordb.model.limits import PAGE_BYTES_MAX
from statordb.store import codec
from statordb.store.terms import Page, PageBudget, Place, Stop

CHUNK_ROWS_MAX = 256  # read in one go: about half a millisecond of small rows
CHUNK_BYTES_MAX = 256 * 1024


class Rows:
    """What was read of a page, and what of it is returned.

    texts    the returned items as JSON, unless they are only counted.
    count    how many are returned.
    scanned  how many were read, of `size` bytes by DynamoDB's rules.
    last     the stored body of the last one that was read, where the reader has to go on behind it.
    fetched  sizes of the items that were fetched for index entries.
    """

    __slots__ = ("count", "fetched", "last", "scanned", "size", "texts")

    def __init__(self) -> None:
        self.texts: list[bytes] = []
        self.count = self.scanned = self.size = 0
        self.last: bytes | None = None
        self.fetched: list[int] = []


class Source(Protocol):
    """Where a page's rows come from, and what becomes of them."""

    @property
    def counts_only(self) -> bool:
        """Whether the rows are counted as they are: nobody looks at them."""
        ...

    def read(self, after: Place | None, budget: PageBudget, head: int | None) -> Awaitable[Page]: ...

    def whole(self, place: Place) -> Awaitable[bytes | None]:
        """The body of the row at a place."""
        ...

    def choose(self, bodies: Sequence[bytes], rows: Rows, turn: Turn) -> Awaitable[int]:
        """Add what is returned of some rows; tells how many were looked at. Fewer than given: the page is full."""
        ...


async def read_rows(
    source: Source, after: Place | None, limit: int | None, turn: Turn, first: Page | None = None
) -> Rows:
    """One page's rows. `first`: its first chunk, if that has been read."""
    rows = Rows()
    head = codec.HEADER_BYTES if source.counts_only else None
    while True:
        page = first or await source.read(after, _budget(rows, limit), head)
        first = None
        if turn.due():
            await turn.over()
        bodies = page.bodies
        sizes = codec.sizes(bodies)
        fitting = _fitting(sizes, PAGE_BYTES_MAX - rows.size)
        full = fitting is not None or rows.scanned + len(bodies) == limit
        if fitting is not None and fitting < len(bodies):
            bodies = bodies[:fitting]
        last = bodies[-1] if bodies else None
        if full and head is not None:
            last = await source.whole(page.place(len(bodies) - 1))
            if last is None:  # it has gone meanwhile: the chunk again, of what is there now
                head = None
                continue
        chosen = await source.choose(bodies, rows, turn)
        rows.scanned += chosen
        rows.size += sum(sizes[:chosen])
        if chosen < len(bodies):
            full, last = True, bodies[chosen - 1]
        if full or page.stop is Stop.EXHAUSTED:
            rows.last = last if full else None
            return rows
        after = page.last


def _budget(rows: Rows, limit: int | None) -> PageBudget:
    """For the next chunk. JSON is longer than what DynamoDB counts, so the page is never full before its end."""
    left = CHUNK_ROWS_MAX if limit is None else min(CHUNK_ROWS_MAX, limit - rows.scanned)
    return PageBudget(left, max(1, min(CHUNK_BYTES_MAX, PAGE_BYTES_MAX - rows.size)))


def _fitting(sizes: Sequence[int], room: int) -> int | None:
    """How many rows fill the room that is left; None if they don't."""
    if sum(sizes) < room:
        return None
    for count, size in enumerate(sizes, 1):
        room -= size
        if room <= 0:
            return count
    return None
