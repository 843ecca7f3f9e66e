"""The queues of partitions: what becomes of updates, and of what they owe, when something goes wrong on the way."""

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest
from tests.engine.cassandra.processes import QUICK, Fleet, Process

from statordb.engine.cassandra.cluster import slots
from statordb.engine.cassandra.cql.session import Session, Statement
from statordb.engine.cassandra.cql.tallies import Tallies
from statordb.engine.cassandra.single import planning, write, writer
from statordb.engine.cassandra.single.turn import Answer, Update
from statordb.engine.cassandra.single.writer import Writer
from statordb.engine.contract import Effects, Key, OutcomeUnknown, Overloaded, PageBudget, Plan

Run = Callable[[Coroutine[Any, Any, Any]], Any]
AMPLE = PageBudget(1000, 1 << 20)


class Odd:
    """A session whose conditional writes do something else, once asked to: `instead` is given the true one."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.instead: Callable[[Coroutine[Any, Any, Any]], Coroutine[Any, Any, Any]] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    async def conditional(self, statements: Sequence[Statement]) -> list[dict[str, Any]] | None:
        answer = self._session.conditional(statements)
        return await (answer if self.instead is None else self.instead(answer))


class Nobody:
    def is_old(self, mark: bytes) -> bool:
        return False

    async def free(self, mark: bytes, held: object) -> None:
        raise AssertionError("nothing is held")


class Case:
    """A process with a writer, and updates of a partition of its own which owe a log entry."""

    def __init__(self, process: Process) -> None:
        odd: Any = Odd(process.session)
        self.session: Odd = odd
        self.process = process
        self.stream = secrets.randbits(40)
        self.partition = secrets.token_bytes(8)
        self.ended: list[bytes] = []
        self.writer = Writer(
            odd,
            process.clock,
            process.membership,
            process.journal,
            process.relay,
            Tallies(odd, lambda: b"owner"),
            Nobody(),
        )

    def owing(self, sort: bytes) -> Effects:
        return Effects(writes=[(Key(1, self.partition, sort), b"body")], changes=[(self.stream, b"", sort)])

    def submit(self, sort: bytes, plan: Plan | None = None) -> "asyncio.Future[Answer]":
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        key = Key(1, self.partition, sort)
        effects = self.owing(sort)
        plan = plan or (lambda _: effects)
        update = Update([key], plan, (), {}, answer, lambda: self.ended.append(sort), None)
        self.writer.submit("own1", b"\0" + self.partition, update)
        return answer


def test_what_is_cancelled_while_its_outcome_is_unknown_is_left_for_others_to_find(
    fleet: Fleet, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that ends while Cassandra is slow: the write took effect, and what it owes must arrive."""
    monkeypatch.setattr(writer, "FINISH_SECONDS", 0.1)

    async def story() -> None:
        case = Case(await fleet.join())
        taken = asyncio.Event()

        async def never_answer(true: Coroutine[Any, Any, Any]) -> None:
            assert await true is None
            taken.set()
            await asyncio.Event().wait()

        case.session.instead = never_answer
        answers = [case.submit(b"a")]
        await taken.wait()
        answers.append(case.submit(b"b"))  # waits for its turn, which never comes
        who = case.process.clock.slot, case.process.membership.incarnation
        await case.writer.finish()
        await case.process.membership.leave()
        with pytest.raises(OutcomeUnknown):
            await answers[0]
        with pytest.raises(Exception, match="closed"):
            await answers[1]
        assert case.ended == [b"b"]
        assert who in await slots.held(fleet.session)  # it did not end in order
        other = await fleet.join(times=QUICK)
        while who in await slots.held(fleet.session):
            await asyncio.sleep(0.05)
        while not (changes := await other.logs.read(case.stream, b"", 0, AMPLE)):
            await asyncio.sleep(0.05)  # what others tell is seen a moment late
        assert [change.body for change in changes] == [b"a"]

    run(story())


def test_a_fault_after_a_write_was_sent_does_not_make_it_forgotten(
    fleet: Fleet, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of whatever kind: its outcome is found out, and what it owes is done."""
    monkeypatch.setattr(write, "PURSUE_SECONDS", 0.05)

    async def story() -> None:
        case = Case(await fleet.join())

        async def break_(true: Coroutine[Any, Any, Any]) -> None:
            await true
            case.session.instead = None
            raise ZeroDivisionError

        case.session.instead = break_
        with pytest.raises(OutcomeUnknown):
            await case.submit(b"a")
        assert case.process.journal.pending == 1
        await case.writer.finish()
        assert case.ended == [b"a"]
        assert case.process.journal.pending == 0
        changes = await case.process.logs.read(case.stream, b"", 0, AMPLE)
        assert [change.body for change in changes] == [b"a"]

    run(story())


def test_what_cassandra_refuses_at_once_leaves_nothing_open(fleet: Fleet, run: Run) -> None:
    async def story() -> None:
        case = Case(await fleet.join())

        async def refuse(true: Coroutine[Any, Any, Any]) -> None:
            true.close()
            raise TypeError("no such value can be bound")

        case.session.instead = refuse
        with pytest.raises(TypeError):
            await case.submit(b"a")
        assert case.ended == [b"a"]
        assert case.process.journal.pending == 0
        assert case.process.journal.lowest() is None

    run(story())


def test_queues_are_bounded(fleet: Fleet, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "QUEUE_UPDATES_MAX", 2)
    monkeypatch.setattr(writer, "WAITING_UPDATES_MAX", 3)

    async def story() -> None:
        case = Case(await fleet.join())
        answers = [case.submit(b"a"), case.submit(b"b")]
        with pytest.raises(Overloaded):
            case.submit(b"c")
        others, case.partition = case.partition, b"another"
        answers.append(case.submit(b"a"))
        case.partition = b"a third"
        with pytest.raises(Overloaded):
            case.submit(b"a")
        case.partition = others
        assert all(isinstance(answer, Effects) for answer in await asyncio.gather(*answers))
        assert isinstance(await case.submit(b"c"), Effects)  # there is room again
        await case.writer.finish()

    run(story())


def test_others_go_on_between_the_plans_of_a_turn(fleet: Fleet, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plans of one turn that take long together do not hold the event loop for all of them."""
    monkeypatch.setattr(planning, "SLICE_SECONDS", -1.0)

    async def story() -> None:
        case = Case(await fleet.join())
        rounds = 0
        seen: list[int] = []

        def count() -> None:
            nonlocal rounds
            rounds += 1
            if len(seen) < 8:
                asyncio.get_running_loop().call_soon(count)

        def plan(stored: object) -> Effects:
            seen.append(rounds)
            return Effects(writes=[(Key(1, case.partition, b"a"), b"body")])

        answers = [case.submit(b"a", plan) for _ in range(8)]
        count()
        await asyncio.gather(*answers)
        assert len(set(seen)) == 8
        await case.writer.finish()

    run(story())


def test_an_exception_of_a_plan_is_its_callers_and_writes_nothing(fleet: Fleet, run: Run) -> None:
    """Others of the same turn go on."""

    class Heavy(Exception):
        pass

    async def story() -> None:
        case = Case(await fleet.join())

        def fail(stored: object) -> Effects:
            raise Heavy

        answers = [case.submit(b"a"), case.submit(b"b", fail), case.submit(b"c")]
        with pytest.raises(Heavy):
            await answers[1]
        await asyncio.gather(answers[0], answers[2])
        await case.writer.finish()
        assert sorted(case.ended) == [b"a", b"b", b"c"]
        changes = await case.process.logs.read(case.stream, b"", 0, AMPLE)
        assert [change.body for change in changes] == [b"a", b"c"]

    run(story())


def test_an_update_that_others_are_always_faster_than_is_told_to_come_again(
    fleet: Fleet, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was written, and nothing is wrong: a client's SDK tries it again."""
    monkeypatch.setattr(planning, "CONTENTION_SECONDS", 0.0)

    async def story() -> None:
        case = Case(await fleet.join())

        async def refuse(true: Coroutine[Any, Any, Any]) -> list[Any]:
            true.close()
            return []

        case.session.instead = refuse
        with pytest.raises(Overloaded):
            await case.submit(b"a")
        assert case.ended == [b"a"]
        assert case.process.journal.pending == 0

    run(story())
