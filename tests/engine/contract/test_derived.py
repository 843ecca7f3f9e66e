"""Rows that are derived from others: they come with what they are derived from, and end as it does."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from statordb.engine.contract import Bounds, Effects, Engine, Key, PageBudget, Row, Stored, Use

Run = Callable[[Coroutine[Any, Any, Any]], Any]
Settled = Callable[[Sequence[Key], Sequence[bytes | None]], None]

COLOURS = [b"red", b"green", b"blue"]


@pytest.fixture
def index(engine: Engine, run: Run) -> int:
    made: int = run(engine.create_space(Use.DERIVED))
    return made


def painting(base: Key, index: int, colour: bytes | None) -> Callable[[list[Stored | None]], Effects]:
    """A plan that gives a row a colour, or deletes it (None), and keeps an index by colour."""

    def plan(stored: list[Stored | None]) -> Effects:
        derived: list[tuple[Key, bytes | None, Key | None]] = []
        if stored[0] is not None:
            derived.append((Key(index, stored[0].body, base.sort), None, base))
        if colour is not None:
            derived.append((Key(index, colour, base.sort), b"entry", base))
        return Effects([(base, colour)], derived)

    return plan


def indexing(base: Key, index: int) -> Callable[[list[Stored | None]], Effects]:
    """A plan that makes the index entry of a row as it is."""

    def plan(stored: list[Stored | None]) -> Effects:
        if stored[0] is None:
            return Effects()
        return Effects(derived=[(Key(index, stored[0].body, base.sort), b"entry", base)])

    return plan


def test_derived_rows_follow_their_update(engine: Engine, space: int, index: int, run: Run, settled: Settled) -> None:
    base = Key(space, b"a", b"1")
    red, blue = Key(index, b"red", b"1"), Key(index, b"blue", b"1")
    run(engine.update([base], painting(base, index, b"red")))
    settled([red, blue], [b"entry", None])
    run(engine.update([base], painting(base, index, b"blue")))
    settled([red, blue], [None, b"entry"])
    run(engine.update([base], painting(base, index, None)))
    settled([red, blue], [None, None])


def test_a_derived_row_of_no_base_is_as_new_as_its_update(
    engine: Engine, index: int, run: Run, settled: Settled
) -> None:
    entry = Key(index, b"a", b"")
    for body in (b"1", b"2", None, b"3"):
        effects = Effects(derived=[(entry, body, None)])
        run(engine.update([], lambda stored, effects=effects: effects))  # type: ignore[misc]
        settled([entry], [body])


def test_rows_within_the_partition_come_with_their_update(engine: Engine, space: int, run: Run) -> None:
    """At once, on every engine."""
    base, local = Key(space, b"a", b"1"), run(engine.create_space(within=space))
    for colour in (b"red", b"green", None, b"blue"):

        def plan(stored: list[Stored | None], colour: bytes | None = colour) -> Effects:
            old = [] if stored[0] is None else [(Key(local, b"a", stored[0].body), None, base)]
            new = [] if colour is None else [(Key(local, b"a", colour), b"entry", base)]
            return Effects([(base, colour)], [*old, *new])

        run(engine.update([base], plan))
        page = run(engine.range(local, b"a", Bounds(), True, PageBudget(10, 1 << 20)))
        assert page.rows == ([] if colour is None else [Row(b"a", colour, b"entry")])
        entries = run(engine.read([Key(local, b"a", each) for each in COLOURS]))
        assert [row is not None for row in entries] == [each == colour for each in COLOURS]


def test_what_a_row_as_it_was_derives_loses_against_later_updates(
    engine: Engine, space: int, index: int, run: Run, settled: Settled
) -> None:
    """An index is filled from rows that are painted at the same time: in the end it has what they have."""
    bases = [Key(space, b"p%d" % (i % 3), b"%d" % i) for i in range(9)]

    async def history() -> None:
        async def paint(base: Key, seed: int) -> None:
            dice = random.Random(seed)
            for _ in range(6):
                await engine.update([base], painting(base, index, dice.choice([*COLOURS, None])))

        async def fill(base: Key) -> None:
            for _ in range(6):
                await engine.update([base], indexing(base, index))

        await asyncio.gather(*(paint(base, i) for i, base in enumerate(bases)), *map(fill, bases))

    run(history())
    rows = run(engine.read(bases))
    entries = [Key(index, colour, base.sort) for colour in COLOURS for base in bases]
    wanted = [b"entry" if row and row.body == colour else None for colour in COLOURS for row in rows]
    settled(entries, wanted)


def test_what_an_update_deletes_its_row_may_derive_again(
    engine: Engine, space: int, index: int, run: Run, settled: Settled
) -> None:
    """An index that is about to be filled is only deleted from: what that takes away is filled in then."""
    base, entry = Key(space, b"a", b"1"), Key(index, b"red", b"1")
    run(engine.update([base], painting(base, index, b"red")))
    for _ in range(3):
        run(engine.update([base], lambda stored: Effects(writes=[(base, b"red")], derived=[(entry, None, base)])))
        settled([entry], [None])
        run(engine.update([base, Key(space, b"b", b"2")], indexing(base, index)))
        settled([entry], [b"entry"])


def test_a_footprint_may_hold_what_is_derived(
    engine: Engine, space: int, index: int, run: Run, settled: Settled
) -> None:
    """It is looked at, beside rows that are relied upon."""
    base, entry = Key(space, b"a", b"1"), Key(index, b"red", b"1")
    run(engine.update([base], painting(base, index, b"red")))
    settled([entry], [b"entry"])
    answer = run(engine.update([entry, base], lambda stored: Effects(outcome=[row and row.body for row in stored])))
    assert answer.outcome == [b"entry", b"red"]
