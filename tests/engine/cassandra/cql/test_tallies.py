"""Totals that several processes count."""

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, ClassVar

import pytest

from statordb.engine.cassandra.cql import keys, tallies
from statordb.engine.cassandra.cql.session import Session, Statement, Unreachable
from statordb.engine.cassandra.cql.tallies import Tallies
from statordb.engine.contract import Usage

Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture
def space() -> int:
    return int.from_bytes(os.urandom(7), "big")


def test_a_total_is_the_sum_over_processes(session: Session, space: int, run: Run) -> None:
    async def history() -> None:
        first, second = Tallies(session, lambda: b"1"), Tallies(session, lambda: b"2")
        first.add(space, 5, 500)
        first.add(space, -1, -100)
        second.add(space, 2, 20)
        assert await first.usage(space) == Usage(4, 400)
        await second.flush()
        assert await first.usage(space) == Usage(6, 420)
        second.add(space, -6, -420)
        await asyncio.gather(second.flush(), second.flush(), second.usage(space))
        assert await first.usage(space) == Usage(0, 0)
        await first.flush()

    run(history())


def test_what_was_not_written_down_is_written_with_the_next(session: Session, space: int, run: Run) -> None:
    class Failing:
        failing = True

        rows = session.rows

        async def write(self, *values: Any, timestamp: int | None = None) -> None:
            if self.failing:
                raise Unreachable("now")
            await session.write(*values, timestamp=timestamp)

    async def history() -> None:
        faulty: Any = Failing()
        mine = Tallies(faulty, lambda: b"1")
        mine.add(space, 1, 10)
        with pytest.raises(Unreachable):
            await mine.flush()
        mine.add(space, 1, 10)
        faulty.failing = False
        await mine.flush()
        assert await Tallies(session, lambda: b"2").usage(space) == Usage(2, 20)

    run(history())


async def owners(session: Session, space: int) -> dict[bytes, tuple[int, int]]:
    found = await session.rows("SELECT owner, rows, bytes FROM tallies WHERE space = ?", space)
    return {owner: (rows, size) for owner, rows, size in found}


def ended(*names: bytes) -> tallies.Ended:
    async def tell(asked: Iterable[bytes]) -> set[bytes]:
        return set(asked) & set(names)

    return tell


async def swept(by: Tallies, tell: tallies.Ended) -> None:
    behind = await by.sweep(None, tell)
    while behind is not None:
        behind = await by.sweep(behind, tell)


def test_what_the_dead_counted_is_folded_into_one_row(session: Session, space: int, run: Run) -> None:
    """Also when it is done again, by several at once, and when one of the dead writes late."""

    async def history() -> None:
        names = [b"dead %d" % number for number in range(20)]
        counters = [Tallies(session, lambda name=name: name) for name in names]  # type: ignore[misc]
        for counter in counters:
            counter.add(space, 2, 30)
            await counter.flush()
        me, other = Tallies(session, lambda: b"me"), Tallies(session, lambda: b"other")
        me.add(space, 1, 1)
        assert await me.usage(space) == Usage(41, 601)
        gone = ended(*names[:19])
        await asyncio.gather(swept(me, gone), swept(other, gone))
        await swept(other, gone)
        assert await owners(session, space) == {tallies.FOLDED: (38, 570), names[19]: (2, 30), b"me": (1, 1)}
        counters[0].add(space, 5, 5)
        await counters[0].flush()
        assert await me.usage(space) == Usage(41, 601)
        await swept(other, ended(*names))
        assert await owners(session, space) == {tallies.FOLDED: (40, 600), b"me": (1, 1)}

    run(history())


def test_a_fold_whose_outcome_is_unknown_happens_once(session: Session, space: int, run: Run) -> None:
    class Deaf:
        """Hears nothing of its first conditional writes: one that was lost, and one that took effect."""

        rows = session.rows
        write = session.write
        fates: ClassVar = ["lost", "done"]

        async def conditional(self, statements: Sequence[Statement]) -> Any:
            if not self.fates:
                return await session.conditional(statements)
            if self.fates.pop(0) == "done":
                await session.conditional(statements)
            raise Unreachable("not heard")

    async def history() -> None:
        dead = Tallies(session, lambda: b"dead")
        dead.add(space, 2, 30)
        await dead.flush()
        deaf: Any = Deaf()
        await swept(Tallies(deaf, lambda: b"me"), ended(b"dead"))
        assert await owners(session, space) == {tallies.FOLDED: (2, 30)}

    run(history())


def test_who_was_taken_for_dead_counts_on_under_another_name(session: Session, space: int, run: Run) -> None:
    """What was written under the old one is others' to fold, and what was not goes under the new one."""

    async def history() -> None:
        name = b"first"
        lost = Tallies(session, lambda: name)
        lost.add(space, 2, 30)
        await lost.flush()
        lost.add(space, 3, 40)
        name = b"second"
        await lost.flush()
        assert await owners(session, space) == {b"first": (2, 30), b"second": (3, 40)}
        await swept(lost, ended(b"first"))
        lost.add(space, 1, 1)
        assert await lost.usage(space) == Usage(6, 71)

    run(history())


def test_totals_of_spaces_that_are_gone_are_forgotten(session: Session, run: Run) -> None:
    async def history() -> None:
        mine = Tallies(session, lambda: b"me")
        kept, dropped, own = keys.space_id(70_100, 1), keys.space_id(70_101, 0), 3
        for space in (kept, dropped, own):
            mine.add(space, 1, 1)

        async def spaces() -> list[int]:
            mine.add(keys.space_id(70_102, 0), 1, 1)  # made meanwhile
            return [keys.space_id(70_100, 0)]

        await mine.forget_dropped(spaces)
        assert set(mine._totals) == {kept, own, keys.space_id(70_102, 0)}
        mine.forget(kept)
        assert kept not in mine._totals

    run(history())


def test_all_is_gone_through_now_and_then(run: Run) -> None:
    class Sweeping:
        def __init__(self) -> None:
            self.asked: list[int | None] = []

        async def sweep(self, behind: int | None, tell: object) -> int | None:
            self.asked.append(behind)
            return None if behind == 2 else (behind or 0) + 1

    async def history() -> None:
        now = 5.0
        sweeping: Any = Sweeping()
        folding = tallies.Folding(sweeping, ended(), lambda: now)
        assert [await folding.run_once() for _ in range(4)] == [True, True, False, False]
        assert sweeping.asked == [None, 1, 2]
        now += tallies.FOLD_SECONDS
        assert await folding.run_once()
        assert sweeping.asked[3] is None

    run(history())
