"""Pages that have only the front of each body: else nothing is different."""

import asyncio
from typing import Any

import pytest

from statordb.engine.contract import Bounds, Effects, Engine, Heads, Key, Page, PageBudget, Stored

SORTS = [b"%02d" % number for number in range(40)]
HEAD = 5


def body(sort: bytes) -> bytes:
    return sort + b"|" + bytes(int(sort) * 7)


@pytest.fixture
def filled(engine: Engine, space: int, run: Any) -> int:
    keys = [Key(space, b"p", sort) for sort in SORTS]
    effects = Effects([(key, body(key.sort)) for key in keys])
    run(engine.update(keys, lambda stored: effects))
    return space


def same(heads: Page, whole: Page) -> None:
    assert heads.bodies == [body[:HEAD] for body in whole.bodies]
    assert (heads.stop, heads.bytes) == (whole.stop, whole.bytes)
    assert [row[:2] for row in heads.rows] == [row[:2] for row in whole.rows]


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("budget", [PageBudget(100, 1 << 20), PageBudget(7, 1 << 20), PageBudget(100, 900)])
def test_a_range_of_heads_is_the_same_range(
    engine: Engine, filled: int, run: Any, forward: bool, budget: PageBudget
) -> None:
    for after in (None, b"11", b"3"):
        for bounds in (Bounds(), Bounds(b"05", b"33"), Bounds(b"9")):
            arguments = (filled, b"p", bounds, forward, budget, after, True)
            same(run(engine.range(*arguments, HEAD)), run(engine.range(*arguments)))


@pytest.mark.parametrize("budget", [PageBudget(100, 1 << 20), PageBudget(7, 1 << 20), PageBudget(100, 900)])
def test_a_scan_of_heads_is_the_same_scan(engine: Engine, filled: int, run: Any, budget: PageBudget) -> None:
    for after in (None, (b"p", b"11")):
        arguments = (filled, 0, 1, budget, after, True)
        same(run(engine.scan(*arguments, HEAD)), run(engine.scan(*arguments)))


@pytest.mark.parametrize("whole_bytes", [0, 1, 500, 1 << 20])
def test_a_read_may_cut_what_comes_behind_so_many_bytes(
    engine: Engine, filled: int, run: Any, whole_bytes: int
) -> None:
    """All else of the rows is the same, and what is not there stays so."""
    keys = [Key(filled, b"p", sort) for sort in [*SORTS[10:], b"none"]]
    whole, cut = run(engine.read(keys)), run(engine.read(keys, heads=Heads(whole_bytes, HEAD)))
    read = 0
    for all_of_it, row in zip(whole, cut, strict=True):
        if all_of_it is None:
            assert row is None
            continue
        assert row.version == all_of_it.version
        assert row.body in {all_of_it.body, all_of_it.body[:HEAD]}
        if read < whole_bytes:
            assert row.body == all_of_it.body
        elif not engine.traits.remote:
            assert row.body == all_of_it.body[:HEAD]
        read += len(row.body)


def test_an_update_that_needs_no_more_may_be_given_heads(engine: Engine, space: int, run: Any) -> None:
    """Small rows and large ones, also of updates that are worked out again where they are applied."""
    keys = [Key(space, b"p", b"small"), Key(space, b"p", b"large"), Key(space, b"p", b"none")]
    first = Effects([(keys[0], b"0" * HEAD + b"s"), (keys[1], b"0" * HEAD + b"l" * 100_000)])
    run(engine.update(keys[:2], lambda stored: first))

    def counted(stored: list[Stored | None]) -> Effects:
        counts = [0 if row is None else int(row.body[:HEAD]) for row in stored]
        rest = (b"s", b"l" * 100_000, b"")
        return Effects(
            [(key, b"%05d" % (count + 1) + tail) for key, count, tail in zip(keys, counts, rest, strict=True)]
        )

    async def at_once() -> None:
        await asyncio.gather(*[engine.update(keys, counted, (), HEAD) for _ in range(10)])

    run(at_once())
    rows = run(engine.read(keys))
    assert [row.body[:HEAD] for row in rows] == [b"00010"] * 3
    assert [len(row.body) for row in rows] == [HEAD + 1, HEAD + 100_000, HEAD]
