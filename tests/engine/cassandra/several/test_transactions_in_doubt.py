"""Updates over several partitions whose requests are lost, late, refused, or in the way of each other."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

import pytest
from tests.engine.cassandra.accounts import (
    LOG_SPACE,
    Crash,
    Member,
    Mortal,
    Scene,
    make_tables,
    member,
    put,
)
from tests.engine.cassandra.processes import STEADY, Fleet
from tests.engine.cassandra.several.rows_of_tests import bodies, keys_of, single_put, until_logged

from statordb.engine.cassandra.cluster import pulses
from statordb.engine.cassandra.cql import patience
from statordb.engine.cassandra.cql.session import Session, Statement, TimedOut, Unreachable
from statordb.engine.cassandra.several import attempt, holds, marks, settling
from statordb.engine.contract import Conflict, Effects, Key, OutcomeUnknown, Refused, Stored

Run = Callable[[Coroutine[Any, Any, Any]], Any]


class Deaf(Mortal):
    """Hears no answer to conditional writes of some kind, until it is healed."""

    def __init__(self, session: Session, kind: str) -> None:
        super().__init__(session)
        self.kind = kind
        self.healed = False

    async def conditional(self, statements: Sequence[Statement]) -> list[dict[str, Any]] | None:
        answer = await super().conditional(statements)
        if not self.healed and self.kind in statements[0][0]:
            raise Unreachable("not heard")
        return answer


@pytest.mark.parametrize("kind", ["INTO ledger", "IF mark = ?"], ids=["commit", "apply"])
def test_an_outcome_that_can_not_be_known_in_time_is_found_out_later(
    fleet: Fleet, run: Run, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(patience, "AGAIN_SECONDS", 0.05)
    bounds = (attempt, "COMMIT_SECONDS"), (attempt, "APPLY_SECONDS"), (settling, "SETTLE_SECONDS")

    async def story() -> None:
        await make_tables(fleet.session)
        process = await fleet.join()
        deaf = Deaf(process.session, kind)
        process.session = deaf  # type: ignore[assignment]
        one = Member(process)
        scene = Scene(fleet.session)
        deaf.healed = True
        await scene.begin(one)
        deaf.healed = False
        settled: list[str] = []
        with monkeypatch.context() as short:
            for module, name in bounds:
                short.setattr(module, name, 0.1)
            with pytest.raises(OutcomeUnknown):
                await one.transactions.update(scene.footprint, scene.plan, lambda: settled.append(one.steps[-1]))
        assert not settled
        assert process.journal.pending == 1
        deaf.healed = True
        await one.transactions.finish()
        assert settled == ["relay"]
        assert await scene.state() == "after"
        assert process.journal.pending == 0

    run(story())


def test_a_process_that_was_taken_for_dead_begins_again(fleet: Fleet, run: Run) -> None:
    """Under another number, since others undo what it had begun."""

    async def story() -> None:
        await make_tables(fleet.session)
        one = await member(fleet, times=STEADY)
        two = keys_of(2)
        membership = one.process.membership
        who = one.process.clock.slot, membership.incarnation

        async def lose() -> None:
            while one.process.journal.lowest() is None or membership.parked:
                await asyncio.sleep(0.01)
            await pulses.condemn(fleet.session, who)
            while membership.term == 1:
                await asyncio.sleep(0.01)

        one.mortal.meddle = lose
        await one.transactions.update(two, put((two[0], b"1"), (two[1], b"1")))
        assert one.steps.count("note") == 2
        assert one.steps.count("commit") == 1
        assert membership.incarnation != who[1]
        assert await bodies(one, two) == [b"1", b"1"]

    run(story())


class Crowded(Mortal):
    """Some conditional writes always run out of time, since others of the partition are in their way."""

    def __init__(self, session: Session, kind: str) -> None:
        super().__init__(session)
        self.kind = kind

    async def conditional(self, statements: Sequence[Statement]) -> list[dict[str, Any]] | None:
        if self.kind in statements[0][0]:
            raise TimedOut("received only 1 responses")
        return await super().conditional(statements)


def test_rows_that_can_not_be_got_at_for_others_are_a_conflict_and_no_fault(
    fleet: Fleet, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight clients that move money between four accounts, on a busy machine, are enough for that."""

    async def story() -> None:
        await make_tables(fleet.session)
        process = await fleet.join()
        process.session = Crowded(process.session, "SET mark = ?")  # type: ignore[assignment]
        one, other = Member(process), await member(fleet)
        two = keys_of(2)
        with monkeypatch.context() as short:
            short.setattr(holds, "HOLD_SECONDS", 0.1)
            short.setattr(patience, "CONTENTION_SECONDS", 0.0)
            with pytest.raises(Conflict) as told:
                await one.transactions.update(two, put((two[0], b"1"), (two[1], b"1")))
        assert set(told.value.keys) == set(two)
        await one.transactions.finish()
        await other.transactions.update(two, put((two[0], b"2"), (two[1], b"2")))
        assert await bodies(other, two) == [b"2", b"2"]

    run(story())


def test_marks_of_the_dead_that_can_not_be_taken_off_for_others_are_a_conflict(
    fleet: Fleet, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "SETTLE_SECONDS", 0.1)
    monkeypatch.setattr(patience, "CONFLICT_SECONDS", 0.1)

    async def story() -> None:
        await make_tables(fleet.session)
        two = keys_of(2)
        dead = await member(fleet, crash_at=3)
        with pytest.raises(Crash):
            await dead.transactions.update(two, put((two[0], b"1"), (two[1], b"1")))
        process = await fleet.join()
        process.session = Crowded(process.session, "IF mark = ?")  # type: ignore[assignment]
        one = Member(process, ahead=marks.MARK_SECONDS)
        with pytest.raises(Conflict):
            await one.transactions.update(two, put((two[0], b"2"), (two[1], b"2")))
        await one.transactions.finish()

    run(story())


class Refusing(Mortal):
    """A few times marks can't be taken off, by an error that trying again does not mend."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.left = 3

    async def conditional(self, statements: Sequence[Statement]) -> list[dict[str, Any]] | None:
        if self.left and "IF mark = ?" in statements[0][0]:
            self.left -= 1
            raise ZeroDivisionError
        return await super().conditional(statements)


def test_readers_of_logs_do_not_wait_for_ever_where_rows_can_not_be_let_go_of(
    fleet: Fleet, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "AGAIN_SECONDS", 0.05)

    async def story() -> None:
        await make_tables(fleet.session)
        process = await fleet.join()
        process.session = Refusing(process.session)  # type: ignore[assignment]
        one, other = Member(process), await member(fleet)
        two = keys_of(2)
        one.mortal.meddle = lambda: single_put(fleet.session, other, two[1], lambda _: b"5")
        refused = await one.transactions.update(
            two, lambda stored: Refused("five") if stored[1] else Effects(writes=[(key, b"0") for key in two])
        )
        assert isinstance(refused, Refused)
        assert process.journal.lowest() is not None
        await one.transactions.finish()
        assert process.journal.lowest() is None
        assert await bodies(other, two) == [None, b"5"]

    run(story())


class Lossy(Mortal):
    """Loses conditional writes, or their answers, or lets them come late."""

    def __init__(self, session: Session, chance: random.Random) -> None:
        super().__init__(session)
        self._chance = chance
        self.late: set[asyncio.Task[Any]] = set()

    async def conditional(self, statements: Sequence[Statement]) -> list[dict[str, Any]] | None:
        fate = self._chance.random()
        if fate < 0.04:
            raise Unreachable("lost")
        if fate < 0.12:
            delay = self._chance.random() * 0.2
            self.late.add(asyncio.ensure_future(self._later(statements, delay)))
            raise Unreachable("late")
        answer = await super().conditional(statements)
        if fate < 0.16:
            raise Unreachable("not answered")
        return answer

    async def _later(self, statements: Sequence[Statement], delay: float) -> None:
        await asyncio.sleep(delay)
        with suppress(Unreachable):  # a slow cluster does not answer it either
            await self._session.conditional(statements)


@pytest.mark.slow
@pytest.mark.parametrize("lossy", [False, True], ids=["reliable", "lossy"])
def test_transfers_keep_the_total_in_every_snapshot(
    fleet: Fleet, run: Run, monkeypatch: pytest.MonkeyPatch, lossy: bool
) -> None:
    """Two processes move money between accounts; single rows are counted up beside them; every read of all of them
    finds the same total."""
    accounts_count, workers, rounds = 6, 4, 8

    async def story() -> None:
        chance = random.Random(7)
        await make_tables(fleet.session)
        session = Lossy(fleet.session, chance) if lossy else fleet.session
        whole: Any = fleet.session
        fleet.session = session  # type: ignore[assignment]
        members = [await member(fleet) for _ in range(2)]
        fleet.session = whole
        accounts = keys_of(accounts_count)
        counters = [key._replace(sort=b"counter") for key in accounts]
        await members[0].transactions.update(accounts, put(*((key, b"100") for key in accounts)))
        moved: list[int] = []
        counted = 0

        async def transfer(number: int) -> None:
            by = members[number % 2].transactions
            for _ in range(rounds):
                source, target = chance.sample(accounts, 2)
                amount = chance.randrange(1, 20)

                def plan(
                    stored: list[Stored | None], source: Key = source, target: Key = target, amount: int = amount
                ) -> Effects:
                    there = [int(row.body) for row in stored if row is not None]
                    return Effects(
                        writes=((source, b"%d" % (there[0] - amount)), (target, b"%d" % (there[1] + amount))),
                        changes=((LOG_SPACE, accounts[0].partition, b"%d" % amount),),
                    )

                try:
                    await by.update([source, target], plan)
                    moved.append(amount)
                except Conflict:
                    continue

        async def count() -> None:
            nonlocal counted
            for number in range(20):
                key = counters[number % accounts_count]
                counted += await single_put(whole, members[0], key, lambda body: b"%d" % (int(body or 0) + 1))

        async def look() -> None:
            while not working.done():
                try:
                    there = await bodies(members[1], accounts)
                except Conflict:
                    continue
                assert sum(int(body or 0) for body in there) == 100 * accounts_count
                await asyncio.sleep(0.02)

        working = asyncio.gather(*(transfer(number) for number in range(workers)), count())
        await asyncio.gather(working, look())
        for one in members:
            await one.transactions.finish()
        if isinstance(session, Lossy):
            await asyncio.gather(*session.late)
        # Late marks of transactions that are over can't be set: everything is free, once the last ones have let go.
        assert sum(int(body or 0) for body in await bodies(members[0], accounts)) == 100 * accounts_count
        assert sum(int(body or 0) for body in await bodies(members[0], counters)) == counted
        await until_logged(members[0], accounts[0].partition, moved)
        if not lossy:
            monkeypatch.setattr(patience, "CONFLICT_SECONDS", -1.0)  # nothing is in the way of the next one
        await members[0].transactions.update(accounts, put(*((key, b"0") for key in accounts)))
        await members[0].transactions.finish()

    run(story())
