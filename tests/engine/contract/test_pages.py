"""Ranges and scans: order, bounds, budgets, segments."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statordb.engine.contract import Bounds, Effects, Engine, Key, Page, PageBudget, Row, Stop

Run = Callable[[Coroutine[Any, Any, Any]], Any]
Examples = Callable[[int], int]

ALL = Bounds()
AMPLE = PageBudget(10_000, 1 << 30)
SORTS = [b"", b"\0", b"\0\0", b"a", b"a\0", b"aa", b"ab", b"b", b"\xff", b"\xff\xff"]
PARTITIONS = [b"", b"p", b"p\0", b"q", b"\xff" * 30, *(b"%d" % i for i in range(20))]


def body(partition: bytes, sort: bytes) -> bytes:
    return partition + b"|" + sort * 3


@pytest.fixture
def filled(engine: Engine, space: int, run: Run) -> int:
    """A space with every sort key in every partition, and others that must not be seen: one behind it, one within."""
    within, behind = run(engine.create_space(within=space)), run(engine.create_space())

    async def fill(partition: bytes) -> None:
        for filled_space in (space, behind):
            keys = [Key(filled_space, partition, sort) for sort in SORTS]
            derived = [(Key(within, partition, key.sort), b"other", key) for key in keys if filled_space == space]
            effects = Effects([(key, body(partition, key.sort)) for key in keys], derived)
            await engine.update(keys, lambda stored, effects=effects: effects)  # type: ignore[misc]

    async def fill_all() -> None:
        await asyncio.gather(*map(fill, PARTITIONS))

    run(fill_all())
    return space


async def whole_range(
    engine: Engine, space: int, partition: bytes, bounds: Bounds, forward: bool, budget: PageBudget
) -> list[Row]:
    rows: list[Row] = []
    after: bytes | None = None
    while True:
        page = await engine.range(space, partition, bounds, forward, budget, after)
        check_page(page, budget)
        rows += page.rows
        assert len(rows) <= len(SORTS), "a page went back"
        if page.stop is Stop.EXHAUSTED:
            return rows
        after = page.rows[-1].sort


async def whole_scan(engine: Engine, space: int, segment: int, total: int, budget: PageBudget) -> list[Row]:
    rows: list[Row] = []
    after: tuple[bytes, bytes] | None = None
    while True:
        page = await engine.scan(space, segment, total, budget, after)
        check_page(page, budget)
        rows += page.rows
        assert len(rows) <= len(SORTS) * len(PARTITIONS), "a page went back"
        if page.stop is Stop.EXHAUSTED:
            return rows
        after = page.rows[-1].partition, page.rows[-1].sort


def check_page(page: Page, budget: PageBudget) -> None:
    assert len(page.rows) <= budget.rows_max
    if page.stop is Stop.ROWS:
        assert len(page.rows) == budget.rows_max
    if page.stop is Stop.BYTES:
        assert page.rows
    if page.stop is Stop.EXHAUSTED:
        assert len(page.rows) < budget.rows_max


def in_range(partition: bytes, bounds: Bounds, forward: bool) -> list[Row]:
    sorts = [sort for sort in SORTS if bounds.lower <= sort and (bounds.upper is None or sort < bounds.upper)]
    return [Row(partition, sort, body(partition, sort)) for sort in sorted(sorts, reverse=not forward)]


def test_a_range_has_the_rows_of_its_partition_in_order(engine: Engine, filled: int, run: Run) -> None:
    for partition in PARTITIONS:
        for forward in (True, False):
            page = run(engine.range(filled, partition, ALL, forward, AMPLE))
            assert (page.rows, page.stop) == (in_range(partition, ALL, forward), Stop.EXHAUSTED)


def test_where_there_is_nothing_a_page_is_empty(engine: Engine, space: int, run: Run) -> None:
    for forward in (True, False):
        page = run(engine.range(space, b"none", ALL, forward, AMPLE))
        assert (page.rows, page.stop) == ([], Stop.EXHAUSTED)
    page = run(engine.scan(space, 0, 1, AMPLE))
    assert (page.rows, page.stop) == ([], Stop.EXHAUSTED)


def test_no_budget_changes_a_range(engine: Engine, filled: int, run: Run, examples: Examples) -> None:
    @settings(max_examples=examples(100), deadline=None)
    @given(
        lower=st.sampled_from(SORTS),
        upper=st.none() | st.sampled_from(SORTS),
        forward=st.booleans(),
        rows_max=st.integers(1, 12),
        bytes_max=st.integers(1, 100),
    )
    def check(lower: bytes, upper: bytes | None, forward: bool, rows_max: int, bytes_max: int) -> None:
        bounds, budget = Bounds(lower, upper), PageBudget(rows_max, bytes_max)
        assert run(whole_range(engine, filled, b"p", bounds, forward, budget)) == in_range(b"p", bounds, forward)

    check()


def test_after_need_not_exist_and_stays_within_the_bounds(engine: Engine, filled: int, run: Run) -> None:
    bounds = Bounds(b"a", b"b")
    for after in [*SORTS, b"a\0\0", b"`", b"zz"]:
        forward = run(engine.range(filled, b"p", bounds, True, AMPLE, after))
        assert forward.rows == [row for row in in_range(b"p", bounds, True) if row.sort > after]
        backward = run(engine.range(filled, b"p", bounds, False, AMPLE, after))
        assert backward.rows == [row for row in in_range(b"p", bounds, False) if row.sort < after]


def test_a_page_holds_at_least_one_row_and_says_why_it_stopped(engine: Engine, filled: int, run: Run) -> None:
    assert run(engine.range(filled, b"p", ALL, True, PageBudget(3, 1 << 30))).stop is Stop.ROWS
    page = run(engine.range(filled, b"p", ALL, True, PageBudget(3, 1)))
    assert (len(page.rows), page.stop) == (1, Stop.BYTES)
    page = run(engine.scan(filled, 0, 1, PageBudget(1000, 1)))
    assert (len(page.rows), page.stop) == (1, Stop.BYTES)


def test_every_row_is_in_exactly_one_segment(engine: Engine, filled: int, run: Run, examples: Examples) -> None:
    @settings(max_examples=examples(30), deadline=None)
    @given(total=st.integers(1, 40), rows_max=st.integers(1, 300), bytes_max=st.integers(1, 2000))
    def check(total: int, rows_max: int, bytes_max: int) -> None:
        budget = PageBudget(rows_max, bytes_max)
        rows = [row for i in range(total) for row in run(whole_scan(engine, filled, i, total, budget))]
        expected = [Row(partition, sort, body(partition, sort)) for partition in PARTITIONS for sort in SORTS]
        assert sorted(rows) == sorted(expected)
        assert rows == run(engine.scan(filled, 0, 1, AMPLE)).rows  # segments follow each other in hash order

    check()


def test_a_million_segments_are_possible(engine: Engine, filled: int, run: Run) -> None:
    total = 1_000_000
    for segment in (0, 1, total // 2, total - 1):
        assert run(engine.scan(filled, segment, total, AMPLE)).stop is Stop.EXHAUSTED


def test_scan_goes_on_behind_what_lies_in_another_segment_or_nowhere(engine: Engine, filled: int, run: Run) -> None:
    whole = run(engine.scan(filled, 0, 1, AMPLE)).rows
    second = run(engine.scan(filled, 1, 2, AMPLE)).rows
    first = whole[: -len(second)]
    assert first
    assert second
    in_first, in_second = first[-1], second[3]
    assert run(engine.scan(filled, 1, 2, AMPLE, (in_first.partition, in_first.sort))).rows == second
    assert run(engine.scan(filled, 0, 2, AMPLE, (in_second.partition, in_second.sort))).rows == []
    behind = run(engine.scan(filled, 1, 2, AMPLE, (in_second.partition, in_second.sort + b"\0\0\0"))).rows
    assert behind == [
        row for row in second[4:] if row.partition != in_second.partition or row.sort > in_second.sort + b"\0\0\0"
    ]


def test_a_scan_keeps_the_sort_order_of_a_partition(engine: Engine, filled: int, run: Run) -> None:
    rows = run(engine.scan(filled, 0, 1, AMPLE)).rows
    assert [row.sort for row in rows if row.partition == b"q"] == sorted(SORTS)


def test_a_space_within_another_is_scanned_alone(engine: Engine, space: int, run: Run) -> None:
    within = run(engine.create_space(within=space))
    for partition in PARTITIONS:
        base = Key(space, partition, b"s")
        effects = Effects([(base, b"x")], [(Key(within, partition, b"entry"), b"y", base)])
        run(engine.update([base], lambda stored, effects=effects: effects))  # type: ignore[misc]
    rows = run(engine.scan(within, 0, 1, AMPLE)).rows
    assert sorted(rows) == sorted(Row(partition, b"entry", b"y") for partition in PARTITIONS)
    assert [row.partition for row in rows] == [row.partition for row in run(engine.scan(space, 0, 1, AMPLE)).rows]
    assert run(engine.range(within, b"p", ALL, True, AMPLE)).rows == [Row(b"p", b"entry", b"y")]


@pytest.mark.parametrize("skip", [0, 2, 100])
def test_what_is_at_hand_is_what_is_read(engine: Engine, filled: int, run: Run, skip: int) -> None:
    """An engine that need not wait gives the same rows by plain calls, but for the front of their bodies."""
    here = engine.here
    assert (here is None) == engine.traits.remote
    if here is None:
        return
    for partition in (b"", b"p", b"none"):
        keys = [Key(filled, partition, sort) for sort in (*SORTS, b"none")]
        assert here.bodies(keys) == [row and row.body for row in run(engine.read(keys))]
        for sort in (*SORTS, b"none"):
            stored = run(engine.get(Key(filled, partition, sort)))
            assert here.body(filled, partition, sort, skip) == (None if stored is None else stored.body[skip:])
        for forward in (True, False):
            for budget in (AMPLE, PageBudget(3, 1 << 30), PageBudget(10_000, 12), PageBudget(len(SORTS), 1 << 30)):
                for after in (None, b"a", b"b\0"):
                    page = run(engine.range(filled, partition, ALL, forward, budget, after))
                    at_hand = here.page(filled, partition, ALL, forward, budget, after, skip)
                    assert at_hand.bodies == [body[skip:] for body in page.bodies]
                    assert (at_hand.stop, at_hand.bytes) == (page.stop, page.bytes)
                    assert [row[:2] for row in at_hand.rows] == [row[:2] for row in page.rows]
