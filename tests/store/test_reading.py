"""Pages: however they are cut, the same rows come out, once each and in order."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from statordb.engine.contract import Budget, Page, Place, Row, Stop
from statordb.model.limits import PAGE_BYTES_MAX
from statordb.store import codec
from statordb.store.reading import Slice, read_slice


class Rows:
    """Rows by their sort key, behind the engine's way of reading; keeps what was asked of it."""

    def __init__(self, sizes: list[int]) -> None:
        # As with real items, the stored bytes are more than what DynamoDB counts.
        bodies = [codec.encode({"n": {"N": str(n)}}, size) + bytes(size) for n, size in enumerate(sizes)]
        self.rows = [Row(b"p", b"%06d" % n, body) for n, body in enumerate(bodies)]
        self.budgets: list[Budget] = []

    async def fetch(self, after: Place | None, budget: Budget) -> Page:
        """A page as an engine may give it: it may stop at its budget even where nothing follows."""
        self.budgets.append(budget)
        left = [row for row in self.rows if after is None or row.sort > after[1]]
        taken, size = 0, 0
        for row in left:
            taken, size = taken + 1, size + sum(map(len, row))
            if taken >= budget.rows_max or size >= budget.bytes_max:
                break
        stop = Stop.ROWS if taken >= budget.rows_max else Stop.BYTES if size >= budget.bytes_max else Stop.EXHAUSTED
        page = left[:taken]
        return Page([row.body for row in page], stop, size, lambda index: page[index][:2])


def read(rows: Rows, after: Place | None, limit: int | None) -> Slice:
    return asyncio.run(read_slice(rows.fetch, after, limit))


KIB = 1024
sizes = st.lists(st.sampled_from([10, KIB, 100 * KIB, 400 * KIB]), max_size=12)


@settings(max_examples=60, deadline=None)
@given(sizes, st.one_of(st.none(), st.integers(1, 5)))
def test_pages_laid_end_to_end_are_all_rows(row_sizes: list[int], limit: int | None) -> None:
    rows = Rows(row_sizes)
    found: list[bytes] = []
    after: Place | None = None
    more = True
    while more:
        page = read(rows, after, limit)
        sizes_read = [codec.size(body) for body in page.bodies]
        assert page.size == sum(sizes_read)
        # It ends with the row that reaches a maximum, and with none before.
        assert sum(sizes_read[:-1]) < PAGE_BYTES_MAX
        assert limit is None or len(page.bodies) <= limit
        if page.more:
            assert page.size >= PAGE_BYTES_MAX or len(page.bodies) == limit
            after = next(row[:2] for row in rows.rows if row.body == page.bodies[-1])
        found += page.bodies
        more = page.more
    assert found == [row.body for row in rows.rows]


def test_a_limit_that_is_just_reached_says_that_there_may_be_more() -> None:
    """So does DynamoDB: its last page is then an empty one."""
    rows = Rows([10, 10])
    first = read(rows, None, 2)
    assert first.more
    assert read(rows, rows.rows[-1][:2], 2) == Slice([], False)


def test_a_long_page_is_read_in_chunks() -> None:
    """Between them other requests get their turn."""
    rows = Rows([10] * 1000)
    assert len(read(rows, None, None).bodies) == 1000
    assert len(rows.budgets) > 3
    rows = Rows([10] * 1000)
    assert len(read(rows, None, 300).bodies) == 300
    assert sum(budget.rows_max for budget in rows.budgets) == 300  # and never more than is wanted


def test_nothing_is_an_empty_last_page() -> None:
    assert read(Rows([]), None, None) == Slice([], False)
