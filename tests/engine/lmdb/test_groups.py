"""Change logs in groups: what one transaction appends lies together, and no reader or trimmer can tell."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statordb.engine.contract import Effects, PageBudget
from statordb.engine.lmdb.engine import LmdbEngine
from statordb.engine.lmdb.groups import GROUP_BYTES_MAX, TICK_BITS, Group, cut, entries
from statordb.engine.lmdb.keys import pack_id

Run = Callable[[Coroutine[Any, Any, Any]], Any]
ALL = PageBudget(100_000, 1 << 30)
TRANSACTION = 7 << TICK_BITS

BODIES = st.lists(st.binary(max_size=40), min_size=1, max_size=30)


def grouped(bodies: list[bytes]) -> tuple[bytes, bytes, list[tuple[int, bytes]]]:
    """Key and value of a group, and the entries that are in it."""
    group, added = Group(), []
    for place, body in enumerate(bodies):
        added.append((TRANSACTION + 3 * place + 1, body))
        group.add(*added[-1])
    return b"log" + pack_id(group.last), group.value, added


@given(BODIES)
def test_a_group_gives_back_what_was_added(bodies: list[bytes]) -> None:
    key, value, added = grouped(bodies)
    assert list(entries(key, value)) == added


@given(BODIES, st.integers(0, 100), st.integers(1, 30))
def test_cutting_leaves_what_is_not_due_or_too_much(bodies: list[bytes], upto: int, entries_max: int) -> None:
    key, value, added = grouped(bodies)
    due = sum(sequence <= TRANSACTION + upto for sequence, _ in added)
    gone, found, rest = cut(key, value, TRANSACTION + upto, entries_max)
    assert (gone, found) == (min(due, entries_max), due)
    assert list(entries(key, rest)) == added[gone:]


@pytest.mark.parametrize("size", [0, 10, 1000, GROUP_BYTES_MAX - 8, GROUP_BYTES_MAX, 30_000])
def test_large_appends_are_read_and_trimmed_as_small_ones(directory: Path, run: Run, size: int) -> None:
    engine = LmdbEngine.open(directory, durable=False)
    space = run(engine.create_space())
    bodies = [bytes((place,)) * size or b"%d" % place for place in range(20)]
    run(engine.update([], lambda stored: Effects(changes=[(space, b"s", body) for body in bodies])))
    changes = run(engine.log(space, b"s", 0, ALL))
    assert [change.body for change in changes] == bodies
    assert run(engine.log_end(space, b"s")) == changes[-1].sequence
    for place, change in enumerate(changes):
        following = run(engine.log(space, b"s", change.sequence, ALL))
        assert following == changes[place + 1 :]
        assert run(engine.log(space, b"s", change.sequence, PageBudget(2, 1 << 30))) == changes[place + 1 : place + 3]
    for place in (4, 5, 12, 19):
        while run(engine.trim(space, b"s", changes[place].sequence, 3)):
            pass
        assert run(engine.log(space, b"s", 0, ALL)) == changes[place + 1 :]
    run(engine.close())


def test_logs_that_one_update_appends_to_do_not_mix(directory: Path, run: Run) -> None:
    engine = LmdbEngine.open(directory, durable=False)
    space = run(engine.create_space())
    logged = [(space, b"a", b"1"), (space, b"b", b"2"), (space, b"a", b"3"), (space, b"", b"4")]
    run(engine.update([], lambda stored: Effects(changes=logged)))
    found = {shard: [c.body for c in run(engine.log(space, shard, 0, ALL))] for shard in (b"a", b"b", b"")}
    assert found == {b"a": [b"1", b"3"], b"b": [b"2"], b"": [b"4"]}
    run(engine.close())
