"""Updates over several partitions beside each other, and beside those of one: none is torn, none half done."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

from statordb.engine.contract import Conflict, Effects, Engine, Key, PageBudget, Refused, Stored, Use

Run = Callable[[Coroutine[Any, Any, Any]], Any]
Plan = Callable[[list[Stored | None]], Effects | Refused]


AMPLE = PageBudget(1000, 1 << 20)


def number(row: Stored | None) -> int:
    return 0 if row is None else int(row.body)


def moving(source: Key, target: Key, amount: int) -> Plan:
    """A plan for the footprint [source, target]."""

    def plan(stored: list[Stored | None]) -> Effects | Refused:
        have, other = map(number, stored)
        if have < amount:
            return Refused("not enough")
        return Effects([(source, b"%d" % (have - amount)), (target, b"%d" % (other + amount))])

    return plan


def counting(keys: list[Key], stream: int) -> Plan:
    """A plan that adds one to each of the footprint `keys`, and logs it."""

    def plan(stored: list[Stored | None]) -> Effects:
        totals = [b"%d" % (number(row) + 1) for row in stored]
        return Effects(list(zip(keys, totals, strict=True)), changes=[(stream, b"", total) for total in totals])

    return plan


async def updated(engine: Engine, keys: list[Key], plan: Plan) -> bool:
    """Whether an update did what it should; it may meet another."""
    try:
        return isinstance(await engine.update(keys, plan), Effects)
    except Conflict:
        return False


def test_transfers_between_partitions_keep_the_total_in_every_snapshot(engine: Engine, space: int, run: Run) -> None:
    accounts = [Key(space, b"account %d" % i, b"") for i in range(5)]
    total = 100 * len(accounts)

    async def history() -> tuple[int, int]:
        await engine.update(accounts, lambda stored: Effects([(key, b"100") for key in accounts]))
        audits = moved = 0
        busy = True

        async def mover(seed: int) -> None:
            nonlocal moved
            dice = random.Random(seed)
            for _ in range(12):
                source, target = dice.sample(accounts, 2)
                moved += await updated(engine, [source, target], moving(source, target, dice.randint(1, 60)))

        async def auditor() -> None:
            nonlocal audits
            while busy:
                await asyncio.sleep(0)
                try:
                    rows = await engine.read(accounts)
                except Conflict:
                    continue
                assert sum(map(number, rows)) == total
                audits += 1

        audit = asyncio.ensure_future(auditor())
        await asyncio.gather(*(mover(seed) for seed in range(4)))
        busy = False
        await audit
        assert sum(map(number, await engine.read(accounts))) == total
        return audits, moved

    audits, moved = run(history())
    assert audits
    assert moved


def test_what_met_a_conflict_wrote_nothing(engine: Engine, space: int, run: Run) -> None:
    """Counters in pairs and alone, all at once: each holds as many as were acknowledged, and so does the log."""
    keys = [Key(space, b"counter %d" % i, b"") for i in range(3)]
    stream = run(engine.create_space(Use.LOG))

    async def history() -> list[int]:
        done = [0] * len(keys)

        async def client(seed: int) -> None:
            dice = random.Random(seed)
            for _ in range(8):
                chosen = dice.sample(range(len(keys)), dice.choice([1, 2, 3]))
                footprint = [keys[i] for i in chosen]
                if await updated(engine, footprint, counting(footprint, stream)):
                    for i in chosen:
                        done[i] += 1

        await asyncio.gather(*(client(seed) for seed in range(6)))
        return done

    done = run(history())
    assert [number(row) for row in run(engine.read(keys))] == done
    logged = run(logged_all(engine, stream, sum(done)))
    assert sorted(logged) == sorted(b"%d" % i for count in done for i in range(1, count + 1))


async def logged_all(engine: Engine, stream: int, count: int) -> list[bytes]:
    """What a log holds, once it is that much: what one update adds may be seen in parts."""
    found: list[bytes] = []
    after = 0
    while len(found) < count:
        for change in await engine.log(stream, b"", after, AMPLE):
            after = change.sequence
            found.append(change.body)
        await asyncio.sleep(0)
    return found


def test_a_refusal_over_partitions_writes_nothing(engine: Engine, space: int, run: Run) -> None:
    source, target = Key(space, b"a", b""), Key(space, b"b", b"")
    assert run(engine.update([source, target], moving(source, target, 1))) == Refused("not enough")
    assert run(engine.read([source, target])) == [None, None]


def test_rows_that_are_only_read_are_as_they_were(engine: Engine, space: int, run: Run) -> None:
    """Two plans, each of which writes its row if the other's is absent: only one of them may find that."""

    async def history() -> None:
        for i in range(6):
            a, b = Key(space, b"a%d" % i, b""), Key(space, b"b%d" % i, b"")

            def plan(stored: list[Stored | None], key: Key) -> Effects | Refused:
                return Refused("taken") if any(stored) else Effects([(key, b"x")])

            won = await asyncio.gather(
                updated(engine, [a, b], lambda stored, a=a: plan(stored, a)),  # type: ignore[misc]
                updated(engine, [b, a], lambda stored, b=b: plan(stored, b)),  # type: ignore[misc]
            )
            assert sum(won) <= 1
            rows = await engine.read([a, b])
            assert [row is not None for row in rows] == list(won)

    run(history())
