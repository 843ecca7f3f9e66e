"""What updates may be writing is noted before, for as long as it has to be."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.cassandra.processes import Fleet, Process

from statordb.engine.cassandra.cql.session import Unreachable
from statordb.engine.cassandra.owed import journal
from statordb.engine.cassandra.owed.journal import FORGET_SECONDS, FORMAT, Entry, Noted

Run = Callable[[Coroutine[Any, Any, Any]], Any]

spots = st.lists(st.tuples(st.integers(-128, 127), st.binary(max_size=40)), max_size=4).map(tuple)
noted = st.builds(Noted, st.sampled_from(["own1", "s12"]), st.binary(min_size=1, max_size=40), spots)
updates = st.lists(
    st.tuples(st.lists(noted, max_size=3), st.none() | st.binary(min_size=16, max_size=16)), min_size=1, max_size=4
)


@pytest.mark.slow
@given(updates)
def test_what_was_noted_is_read_again(updates: list[tuple[list[Noted], bytes | None]]) -> None:
    nobody: Any = None
    body = bytearray([FORMAT])
    for each, transaction in updates:
        journal._encode(Entry(nobody, each, transaction, 0, 1), body)
    assert list(journal.decode(bytes(body))) == updates


async def stored(process: Process) -> list[list[tuple[list[Noted], bytes | None]]]:
    bodies, _ = await journal.read(process.session, process.clock.slot, process.membership.incarnation)
    return [list(journal.decode(body)) for _, body in bodies]


def test_updates_share_a_row_that_goes_when_all_are_done(fleet: Fleet, run: Run) -> None:
    async def story() -> None:
        process = await fleet.join()
        first = [Noted("s1", b"p", ((0, b"a"), (3, b"")))]
        entries = await asyncio.gather(*(process.journal.open(first, b"%016d" % at) for at in range(50)))
        rows = await stored(process)
        assert len(rows) < 5
        assert [update for row in rows for update in row] == [(first, b"%016d" % at) for at in range(50)]
        assert process.journal.pending == 50
        assert process.journal.oldest_seconds() > 0
        for entry in entries[1:]:
            entry.close()
        await asyncio.sleep(2 * FORGET_SECONDS)
        assert [] != await stored(process) != rows[1:]
        entries[0].close()
        entries[0].close()  # nothing happens
        while await stored(process):
            await asyncio.sleep(FORGET_SECONDS / 4)
        assert process.journal.pending == 0

    run(story())


def test_bounds_are_below_and_settled_in_any_order(fleet: Fleet, run: Run) -> None:
    async def story() -> None:
        process = await fleet.join()
        journal = process.journal
        assert journal.lowest() is None
        first, second = await journal.open([]), await journal.open([])
        assert journal.lowest() == first.bound < process.clock.next()
        first.settle()
        assert journal.lowest() == second.bound
        second.close()
        assert journal.lowest() is None
        assert journal.pending == 1
        with pytest.raises(Unreachable):
            await journal.end()  # the first has left a pending row, for all that is known
        first.close()

    run(story())


def test_nothing_stays_open_of_what_could_not_be_noted(fleet: Fleet, run: Run) -> None:
    async def story() -> None:
        process = await fleet.join()
        process.line.cut = True
        with pytest.raises(Unreachable):
            await process.journal.open([])
        assert process.journal.lowest() is None
        assert process.journal.pending == 0
        process.line.cut = False

    run(story())


def test_large_notes_take_rows_of_their_own(fleet: Fleet, run: Run) -> None:
    async def story() -> None:
        process = await fleet.join()
        large = [Noted("s1", b"p" * 60_000, ()) for _ in range(3)]
        entries = await asyncio.gather(*(process.journal.open(large) for _ in range(6)))
        rows = await stored(process)
        assert [update for row in rows for update in row] == [(large, None)] * 6
        assert all(len(row) <= 2 for row in rows)
        for entry in entries:
            entry.close()

    run(story())


def test_an_entry_is_closed_when_its_owner_is_done_unless_something_is_at_stake(fleet: Fleet, run: Run) -> None:
    async def story() -> None:
        process = await fleet.join()
        with pytest.raises(ZeroDivisionError), await process.journal.open([]):
            raise ZeroDivisionError
        assert process.journal.pending == 0
        entry = await process.journal.open([])
        entry.at_stake = True
        with pytest.raises(asyncio.CancelledError), entry:
            raise asyncio.CancelledError
        assert process.journal.lowest() == entry.bound
        with pytest.raises(AssertionError):
            entry.close()
        entry.at_stake = False
        entry.close()
        assert process.journal.lowest() is None

    run(story())
