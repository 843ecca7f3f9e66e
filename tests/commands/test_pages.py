"""Pages: however they are cut, the same rows come out, once each and in order."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statordb.commands.pages import Rows, read_rows
from statordb.commands.turns import SLICE_SECONDS, Turn, Turns
from statordb.engine.contract import Page, PageBudget, Place, Row, Stop
from statordb.model.limits import PAGE_BYTES_MAX
from statordb.store import codec


class Clock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Table:
    """A `pages.Source`: rows by their sort key, behind the engine's way of reading, which are returned as they are.

    Keeps what was asked of it. Each row that is chosen takes `row_seconds` by its clock.
    """

    def __init__(self, sizes: list[int], counts_only: bool = False, row_seconds: float = 0.0) -> None:
        # As with real items, the stored bytes are more than what DynamoDB counts.
        bodies = [codec.encode({"n": {"N": str(n)}}, size) + bytes(size) for n, size in enumerate(sizes)]
        self.rows = [Row(b"p", b"%06d" % n, body) for n, body in enumerate(bodies)]
        self.budgets: list[PageBudget] = []
        self.counts_only = counts_only
        self.row_seconds = row_seconds
        self.clock = Clock()
        self.gone: set[bytes] = set()

    async def read(self, after: Place | None, budget: PageBudget, head: int | None) -> Page:
        """A page as an engine may give it: it may stop at its budget even where nothing follows."""
        self.budgets.append(budget)
        left = [row for row in self.rows if (after is None or row.sort > after[1]) and row.sort not in self.gone]
        taken, size = 0, 0
        for row in left:
            taken, size = taken + 1, size + sum(map(len, row))
            if taken >= budget.rows_max or size >= budget.bytes_max:
                break
        stop = Stop.ROWS if taken >= budget.rows_max else Stop.BYTES if size >= budget.bytes_max else Stop.EXHAUSTED
        page = left[:taken]
        return Page([row.body[:head] for row in page], stop, size, lambda index: page[index][:2])

    async def whole(self, place: Place) -> bytes | None:
        return next((row.body for row in self.rows if row[:2] == place and row.sort not in self.gone), None)

    async def choose(self, bodies: Sequence[bytes], rows: Rows, turn: Turn) -> int:
        for body in bodies:
            rows.count += 1
            if not self.counts_only:
                rows.texts.append(body)
            self.clock.now += self.row_seconds
            if turn.due():
                await turn.over()
        return len(bodies)


def read(table: Table, after: Place | None, limit: int | None) -> Rows:
    async def run() -> Rows:
        turn = Turn(Turns(table.clock))
        await turn.begin()
        return await read_rows(table, after, limit, turn)

    return asyncio.run(run())


KIB = 1024
sizes = st.lists(st.sampled_from([10, KIB, 100 * KIB, 400 * KIB]), max_size=12)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(sizes, st.one_of(st.none(), st.integers(1, 5)), st.booleans())
def test_pages_laid_end_to_end_are_all_rows(row_sizes: list[int], limit: int | None, counts_only: bool) -> None:
    table = Table(row_sizes, counts_only)
    found: list[bytes] = []
    count = 0
    after: Place | None = None
    while True:
        first = count
        rows = read(table, after, limit)
        count += rows.count
        found += rows.texts
        sizes_read = row_sizes[first:count]
        assert (rows.scanned, rows.size) == (len(sizes_read), sum(sizes_read))
        # It ends with the row that reaches a maximum, and with none before.
        assert sum(sizes_read[:-1]) < PAGE_BYTES_MAX
        assert limit is None or rows.scanned <= limit
        if rows.last is None:
            break
        assert rows.size >= PAGE_BYTES_MAX or rows.scanned == limit
        assert rows.last == table.rows[count - 1].body
        after = table.rows[count - 1][:2]
    assert count == len(table.rows)
    assert found == ([] if counts_only else [row.body for row in table.rows])


def test_a_limit_that_is_just_reached_says_that_there_may_be_more() -> None:
    """So does DynamoDB: its last page is then an empty one."""
    table = Table([10, 10])
    assert read(table, None, 2).last == table.rows[-1].body
    last = read(table, table.rows[-1][:2], 2)
    assert (last.scanned, last.last) == (0, None)


def test_a_long_page_is_read_in_chunks() -> None:
    """Between them other requests get their turn."""
    table = Table([10] * 1000)
    assert read(table, None, None).count == 1000
    assert len(table.budgets) > 3
    table = Table([10] * 1000)
    assert read(table, None, 300).count == 300
    assert sum(budget.rows_max for budget in table.budgets) == 300  # and never more than is wanted


def test_nothing_is_an_empty_last_page() -> None:
    rows = read(Table([]), None, None)
    assert (rows.count, rows.last) == (0, None)


def test_a_counted_page_whose_last_row_goes_meanwhile_is_read_again() -> None:
    """Its key is what the next page begins behind."""
    table = Table([10] * 10, counts_only=True)
    whole = table.whole

    async def vanish(place: Place) -> bytes | None:
        table.gone.add(place[1])
        table.whole = whole  # type: ignore[method-assign]
        return await whole(place)

    table.whole = vanish  # type: ignore[method-assign]
    rows = read(table, None, 4)
    assert (rows.count, rows.scanned) == (4, 4)
    assert rows.last == table.rows[4].body


def test_a_page_whose_rows_take_time_lets_others_run() -> None:
    """After each row that ends a slice, and no sooner."""
    table = Table([10] * 40, row_seconds=SLICE_SECONDS / 4)
    between: list[float] = []

    async def run() -> None:
        turn = Turn(Turns(table.clock))
        await turn.begin()
        reading = asyncio.ensure_future(read_rows(table, None, None, turn))
        while not reading.done():
            await asyncio.sleep(0)
            between.append(table.clock.now)

    asyncio.run(run())
    slices = [after - before for before, after in pairwise(between) if after > before]
    assert len(slices) >= 9
    assert max(slices) <= SLICE_SECONDS * 1.01
