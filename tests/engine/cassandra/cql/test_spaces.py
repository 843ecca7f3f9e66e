"""Numbers and tables of spaces, beside other processes and where answers get lost."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any

import pytest
from tests.pace import HANGS_SECONDS

from statordb.engine.cassandra.cql import keys, spaces
from statordb.engine.cassandra.cql.session import Session, Statement, Unreachable
from statordb.engine.cassandra.cql.spaces import Spaces
from statordb.engine.cassandra.cql.tallies import Tallies
from statordb.engine.contract import Usage, Use

Run = Callable[[Coroutine[Any, Any, Any]], Any]


class Dropped(list[int]):
    """The spaces whose logs were dropped."""

    async def log(self, space: int) -> None:
        self.append(space)


class Losing:
    """A session that does conditional writes, and then loses the answers of some."""

    def __init__(self, session: Session, lose: int) -> None:
        self._session = session
        self.left = lose

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    async def conditional(self, statements: Sequence[Statement]) -> Any:
        answer = await self._session.conditional(statements)
        if self.left:
            self.left -= 1
            raise Unreachable("lost")
        return answer


@pytest.fixture
def dropped() -> Dropped:
    return Dropped()


@pytest.fixture
def one(session: Session, dropped: Dropped, run: Run) -> Iterator[Spaces]:
    """Spaces without a pool; what tests dropped is reclaimed in the end, so that none meets another's."""
    made = Spaces(session, dropped.log, 0)
    yield made
    while run(made.reclaim(1)):
        pass


async def states(session: Session) -> dict[int, str]:
    return dict(await session.rows("SELECT number, state FROM spaces WHERE part = 0"))


async def until(reached: Callable[[dict[int, str]], bool], session: Session) -> None:
    async with asyncio.timeout(HANGS_SECONDS):
        while not reached(await states(session)):
            await asyncio.sleep(0.02)


async def tables(session: Session) -> set[str]:
    found = await session.rows(
        "SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?", session.contact.keyspace
    )
    return {name for (name,) in found}


def test_processes_never_get_the_same_space(session: Session, one: Spaces, dropped: Dropped, run: Run) -> None:
    async def history() -> list[int]:
        others = [Spaces(session, dropped.log, 2) for _ in range(2)]
        for other in others:
            await other.start()
        calls = [each.create_space(use) for each in (one, *others) for use in (Use.ROWS, Use.DERIVED, Use.LOG)]
        made = await asyncio.gather(*calls)
        await asyncio.gather(*(other.close() for other in others))
        for space in made:
            await one.drop_space(space)
        return made

    made = run(history())
    assert len({keys.table_number(space) for space in made}) == len(made)
    assert min(made) >= keys.OWN_SPACES_END
    assert [keys.is_derived(space) for space in made] == [False, True, False] * 3


def test_tables_are_made_ahead(session: Session, one: Spaces, dropped: Dropped, run: Run) -> None:
    async def history() -> None:
        ahead = Spaces(session, dropped.log, 2)
        await ahead.start()
        await until(lambda found: list(found.values()).count("ready") >= 2, session)
        ready = [number for number, state in (await states(session)).items() if state == "ready"]
        space = await ahead.create_space()
        assert keys.table_number(space) in ready
        await ahead.close()
        await one.drop_space(space)

    run(history())


def test_a_table_whose_maker_died_is_made_by_another(
    session: Session, one: Spaces, dropped: Dropped, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def history() -> None:
        number = await one._take_number()
        insert = "INSERT INTO spaces (part, number, state) VALUES (0, ?, 'making') IF NOT EXISTS"
        await session.conditional([(insert, (number,))])
        waiting = [state for state in (await states(session)).values() if state in ("ready", "making")]
        ahead = Spaces(session, dropped.log, len(waiting))
        monkeypatch.setattr(spaces, "MAKING_SECONDS", -1.0)
        await ahead.start()
        await until(lambda found: found[number] == "ready", session)
        await ahead.close()
        assert keys.table_of(keys.space_id(number, 0)) in await tables(session)

    run(history())


@pytest.mark.parametrize("lost", [1, 2])
def test_a_lost_answer_loses_no_space(session: Session, one: Spaces, dropped: Dropped, run: Run, lost: int) -> None:
    async def used() -> int:
        return list((await states(session)).values()).count("used")

    async def history() -> None:
        before = await used()
        losing = Losing(session, 0)
        spaces = Spaces(losing, dropped.log, 0)  # type: ignore[arg-type]
        kept = await spaces.create_space()
        losing.left = lost
        inner = await spaces.create_space(within=kept)
        assert losing.left == 0
        assert inner == kept + 1
        losing.left = lost
        made = await spaces.create_space()
        assert losing.left == 0
        assert await used() == before + 2
        losing.left = lost
        await spaces.drop_space(made)
        assert (await states(session))[keys.table_number(made)] == "dropped"
        await spaces.drop_space(kept)

    run(history())


def test_spaces_within_another_are_many_but_not_endless(session: Session, one: Spaces, run: Run) -> None:
    async def history() -> None:
        base = await one.create_space()
        made = [await one.create_space(within=base) for _ in range(keys.KIND_MAX)]
        assert made == list(range(base + 1, base + 1 + keys.KIND_MAX))
        for refused in (base, made[0], 5, await one.create_space(Use.LOG)):
            with pytest.raises(ValueError):
                await one.create_space(within=refused)
        await one.drop_space(base)
        with pytest.raises(ValueError):
            await one.create_space(within=base)

    run(history())


def test_what_is_dropped_goes_with_its_logs_and_tallies(
    session: Session, one: Spaces, dropped: Dropped, run: Run
) -> None:
    """Also totals that a process writes down afterwards."""

    async def history() -> None:
        base, stream = await one.create_space(), await one.create_space(Use.LOG)
        within = await one.create_space(within=base)
        tallies = Tallies(session, lambda: b"owner")
        for space in (base, within, stream):
            tallies.add(space, 1, 1)
            assert await tallies.usage(space) == Usage(1, 1)
        await one.drop_space(within)
        assert not await one.reclaim(1)
        await one.drop_space(base)
        await one.drop_space(stream)
        assert await one.reclaim(1)
        assert not await one.reclaim(1)
        assert sorted(dropped) == sorted([base, within, stream])
        for space in (base, within, stream):
            tallies.add(space, 1, 1)
            assert await tallies.usage(space) == Usage(0, 0)
        assert keys.table_of(base) not in await tables(session)
        assert keys.table_number(base) not in await states(session)
        await one.drop_space(base)
        assert not await one.reclaim(1)

    run(history())
    with pytest.raises(ValueError):
        run(one.drop_space(5))
