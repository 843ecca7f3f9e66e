"""Concurrent histories: what many callers at once may and may not see."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from statordb.engine.contract import Bounds, Effects, Engine, Key, PageBudget, Refused, Stale, Stored, Use

Run = Callable[[Coroutine[Any, Any, Any]], Any]


def number(row: Stored | None) -> int:
    return 0 if row is None else int(row.body)


def adding(key: Key, amount: int = 1) -> Callable[[list[Stored | None]], Effects]:
    """A plan for the footprint [key] whose outcome is the new number."""

    def plan(stored: list[Stored | None]) -> Effects:
        total = number(stored[0]) + amount
        return Effects([(key, b"%d" % total)], outcome=total)

    return plan


async def add(engine: Engine, key: Key) -> int:
    """The new number."""
    answer = await engine.update([key], adding(key))
    assert isinstance(answer, Effects)
    total: int = answer.outcome
    return total


def test_no_increment_is_lost_and_each_is_seen_once(engine: Engine, space: int, run: Run) -> None:
    key = Key(space, b"counter", b"")

    async def history() -> list[int]:
        async def client() -> list[int]:
            return [await add(engine, key) for _ in range(15)]

        return [outcome for outcomes in await asyncio.gather(*(client() for _ in range(16))) for outcome in outcomes]

    outcomes = run(history())
    assert sorted(outcomes) == list(range(1, 16 * 15 + 1))


def test_money_is_neither_made_nor_lost_and_no_read_is_torn(engine: Engine, space: int, run: Run) -> None:
    accounts = [Key(space, b"account", b"%d" % i) for i in range(6)]
    total = 100 * len(accounts)

    def moving(source: Key, target: Key, amount: int) -> Callable[[list[Stored | None]], Effects | Refused]:
        def plan(stored: list[Stored | None]) -> Effects | Refused:
            have, other = map(number, stored)
            if have < amount:
                return Refused("not enough")
            return Effects([(source, b"%d" % (have - amount)), (target, b"%d" % (other + amount))])

        return plan

    async def history() -> None:
        await engine.update(accounts, lambda stored: Effects([(key, b"100") for key in accounts]))
        busy = True

        async def mover(seed: int) -> None:
            dice = random.Random(seed)
            for _ in range(15):
                source, target = dice.sample(accounts, 2)
                await engine.update([source, target], moving(source, target, dice.randint(1, 80)))

        async def auditor() -> int:
            audits = 0
            while busy:
                rows = await engine.read(accounts)
                assert sum(map(number, rows)) == total
                page = await engine.range(space, b"account", Bounds(), True, PageBudget(100, 1 << 20))
                assert sum(int(row.body) for row in page.rows) == total
                page = await engine.scan(space, 0, 1, PageBudget(100, 1 << 20))
                assert sum(int(row.body) for row in page.rows) == total
                audits += 1
                await asyncio.sleep(0)
            return audits

        audit = asyncio.ensure_future(auditor())
        await asyncio.gather(*(mover(seed) for seed in range(8)))
        busy = False
        assert await audit > 0

    run(history())


def test_everyone_reads_what_they_wrote(engine: Engine, space: int, run: Run) -> None:
    async def client(name: int) -> None:
        own = Key(space, b"client", b"%d" % name)
        for _ in range(20):
            wrote = await add(engine, own)
            assert number((await engine.read([own]))[0]) == wrote

    async def history() -> None:
        await asyncio.gather(*(client(name) for name in range(12)))

    run(history())


def test_a_log_grows_at_its_end_only(engine: Engine, space: int, run: Run) -> None:
    """Each update logs the number it gave: the log has them in that order, and a reader never sees a gap filled."""
    key = Key(space, b"counter", b"")

    def plan(stored: list[Stored | None]) -> Effects:
        total = b"%d" % (number(stored[0]) + 1)
        return Effects([(key, total)], changes=[(space, b"", total), (space, b"", total + b"!")])

    async def history() -> list[bytes]:
        async def writer() -> None:
            for _ in range(20):
                await engine.update([key], plan)

        writers = asyncio.gather(*(writer() for _ in range(8)))
        seen: list[bytes] = []
        after = 0
        while not writers.done() or len(seen) < 8 * 20 * 2:
            for change in await engine.log(space, b"", after, PageBudget(7, 1 << 20)):
                assert change.sequence > after
                after = change.sequence
                seen.append(change.body)
            await asyncio.sleep(0)
        return seen

    seen = run(history())
    assert seen == [b"%d%s" % (i, mark) for i in range(1, 161) for mark in (b"", b"!")]


def test_guards_fail_all_that_lost_the_race(guarded: Engine, space: int, run: Run) -> None:
    """Optimistic writers: each reads a counter, and writes it guarded by the version it saw.

    They are handed in together: an engine that groups updates must notice that an earlier one changed the guard.
    """
    engine = guarded
    key = Key(space, b"counter", b"")

    async def history() -> int:
        await engine.update([key], lambda stored: Effects([(key, b"0")]))
        won = 0

        async def attempt() -> None:
            nonlocal won
            (row,) = await engine.read([key])
            assert row is not None
            body = b"%d" % (int(row.body) + 1)
            answer = await engine.update([key], lambda stored: Effects([(key, body)]), [(key, row.version)])
            if isinstance(answer, Stale):
                assert answer.key == key
            else:
                won += 1

        for _ in range(10):
            await asyncio.gather(*(attempt() for _ in range(10)))
        return won

    won = run(history())
    assert won >= 10
    assert number(run(engine.read([key]))[0]) == won


def test_a_derived_write_makes_a_guard_stale_too(guarded: Engine, space: int, run: Run) -> None:
    engine = guarded
    key, guard = Key(space, b"a", b""), Key(run(guarded.create_space(Use.DERIVED)), b"guard", b"")

    async def history() -> Sequence[Any]:
        await engine.update([], lambda stored: Effects(derived=[(guard, b"1", None)]))
        (row,) = await engine.read([guard])
        assert row is not None
        guards = [(guard, row.version)]
        return await asyncio.gather(
            engine.update([key], adding(key), guards),
            engine.update([key], lambda stored: Effects(derived=[(guard, b"2", None)]), guards),
            engine.update([key], adding(key), guards),
        )

    answers = run(history())
    assert answers[2] == Stale(guard)
    assert number(run(engine.read([key]))[0]) == 1


def test_a_cancelled_caller_disturbs_no_other(engine: Engine, space: int, run: Run) -> None:
    key = Key(space, b"counter", b"")

    async def history() -> int:
        callers = [asyncio.ensure_future(engine.update([key], adding(key))) for _ in range(20)]
        await asyncio.sleep(0)  # handed in
        for caller in callers[::2]:
            caller.cancel()
        answers = await asyncio.gather(*callers, return_exceptions=True)
        assert all(isinstance(answer, Effects) for answer in answers[1::2])
        return number((await engine.read([key]))[0])

    assert 10 <= run(history()) <= 20
