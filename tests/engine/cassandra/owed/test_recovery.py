"""What a process that died owed is done by another; what it may still have on its way does no harm."""

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from tests.engine.cassandra.processes import QUICK, Fleet, Process

from statordb.engine.cassandra.cluster import burials, pulses, slots
from statordb.engine.cassandra.cql import keys, rows
from statordb.engine.cassandra.cql.rows import Found
from statordb.engine.cassandra.cql.session import SERIAL, Statement
from statordb.engine.cassandra.owed import journal
from statordb.engine.cassandra.owed.journal import Entry, Noted
from statordb.engine.cassandra.owed.owed import Owed
from statordb.engine.contract import PageBudget

Run = Callable[[Coroutine[Any, Any, Any]], Any]
AMPLE = PageBudget(1000, 1 << 20)
TABLE = "own1"
SPOT = (0, b"row")


class Story:
    """An update of one row that owes a log entry, by a process that dies somewhere on the way."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.partition = secrets.token_bytes(8)
        self.stream = secrets.randbits(40)
        self.owed = Owed([], [(self.stream, b"", b"change")], False)
        self.version = 0
        self.entry: Entry | None = None

    async def note(self) -> None:
        self.entry = await self.process.journal.open([Noted(TABLE, self.partition, (SPOT,))])
        self.version = self.process.clock.next()

    def batch(self) -> list[Statement]:
        spot = keys.PENDING, self.version.to_bytes(8, "big")
        return [
            rows.put(TABLE, self.partition, SPOT, b"body", self.version, 0),
            rows.derive(TABLE, self.partition, spot, self.owed.encode()),
        ]

    async def found(self, kind: int = 0, sort: bytes = b"row") -> Found:
        session = self.process.line._session
        read = await session.rows(rows.select(TABLE), self.partition, kind, sort, consistency=SERIAL)
        return rows.found(read)


async def recovered(fleet: Fleet, dead: Process) -> None:
    """Wait until nothing is left of a process."""
    who = dead.clock.slot, dead.membership.incarnation
    while who in await slots.held(fleet.session):
        await asyncio.sleep(0.05)
    assert await journal.read(fleet.session, *who) == ([], 0)


def test_what_was_owed_arrives_and_readers_wait_for_it(fleet: Fleet, run: Run) -> None:
    async def story() -> None:
        dead, other = await fleet.join(times=QUICK), await fleet.join(times=QUICK)
        update = Story(dead)
        await update.note()
        assert await fleet.session.conditional(update.batch()) is None
        dead.line.cut = True
        entry = await other.journal.open([])
        later = other.clock.next(update.version)
        await other.logs.append(update.stream, b"", later, [b"later"])
        entry.close()
        while not (changes := await other.logs.read(update.stream, b"", 0, AMPLE)):
            await asyncio.sleep(0.05)
        assert [tuple(change) for change in changes] == [(update.version, b"change"), (later, b"later")]
        await recovered(fleet, dead)
        row = await update.found()
        assert row.body == b"body"
        assert row.version > update.version  # nobody writes by the old one
        assert (await update.found(keys.PENDING, update.version.to_bytes(8, "big"))).body is None

    run(story())


def test_a_write_that_is_late_is_refused(fleet: Fleet, run: Run) -> None:
    async def story() -> None:
        dead, _ = await fleet.join(times=QUICK), await fleet.join(times=QUICK)
        update = Story(dead)
        await update.note()
        dead.line.cut = True
        await recovered(fleet, dead)
        assert await fleet.session.conditional(update.batch()) is not None
        assert (await update.found()).body is None

    run(story())


def test_a_row_that_a_transaction_holds_is_freed_first(fleet: Fleet, run: Run) -> None:
    async def story() -> None:
        dead, other = await fleet.join(times=QUICK), await fleet.join(times=QUICK)
        update = Story(dead)
        await update.note()
        mark = f"UPDATE {TABLE} SET mark = ? WHERE partition = ? AND kind = ? AND sort = ? IF mark = null"
        assert await fleet.session.conditional([(mark, (b"held", update.partition, *SPOT))]) is None

        async def resolve(transaction: bytes, held: object = ()) -> None:
            other.resolved.append(transaction)
            free = f"UPDATE {TABLE} SET mark = null WHERE partition = ? AND kind = ? AND sort = ? IF mark = ?"
            await fleet.session.conditional([(free, (update.partition, *SPOT, transaction))])

        other.recovery._resolve = resolve
        dead.line.cut = True
        await recovered(fleet, dead)
        assert set(other.resolved) == {b"held"}
        assert (await update.found()).version > 0

    run(story())


def test_transactions_of_the_dead_are_resolved(fleet: Fleet, run: Run) -> None:
    async def story() -> None:
        dead, other = await fleet.join(times=QUICK), await fleet.join(times=QUICK)
        await dead.journal.open([], b"transaction")
        await dead.journal.open([Noted("s7777", b"p", (SPOT,))])  # whose table was dropped
        dead.line.cut = True
        await recovered(fleet, dead)
        assert other.resolved == [b"transaction"]

    run(story())


@pytest.mark.parametrize("step", ["recover", "bury"])
def test_a_helper_that_dies_is_replaced(fleet: Fleet, run: Run, step: str) -> None:
    """In the middle, or when all but the end was done."""

    async def story() -> None:
        dead, helper = await fleet.join(times=QUICK), await fleet.join(times=QUICK)
        update = Story(dead)
        await update.note()
        assert await fleet.session.conditional(update.batch()) is None
        recover = helper.recovery.recover

        async def die(slot: int, incarnation: bytes, *, set_aside: bool = False) -> int:
            if step == "bury":
                await recover(slot, incarnation)
            helper.line.cut = True
            return 0

        helper.recovery.recover = die  # type: ignore[method-assign]
        dead.line.cut = True
        while not helper.line.cut:
            await asyncio.sleep(0.05)
        third = await fleet.join(times=QUICK)
        await recovered(fleet, dead)
        await recovered(fleet, helper)
        changes = await third.logs.read(update.stream, b"", 0, AMPLE)
        assert [tuple(change) for change in changes] == [(update.version, b"change")]

    run(story())


def test_several_helpers_do_no_harm(fleet: Fleet, run: Run) -> None:
    """They also begin at once what only one may end."""

    async def story() -> None:
        dead = await fleet.join(times=QUICK)
        updates = [Story(dead) for _ in range(5)]
        for update in updates:
            await update.note()
            assert await fleet.session.conditional(update.batch()) is None
        dead.line.cut = True
        helpers = [await fleet.join(times=QUICK) for _ in range(3)]
        who = dead.clock.slot, dead.membership.incarnation
        await asyncio.gather(*(helper.recovery.recover(*who) for helper in helpers))
        await recovered(fleet, dead)
        for update in updates:
            changes = await helpers[0].logs.read(update.stream, b"", 0, AMPLE)
            assert [change.sequence for change in changes] == [update.version]

    run(story())


def test_a_process_that_died_before_it_told_of_itself_leaves_nothing(fleet: Fleet, run: Run) -> None:
    async def story() -> None:
        slot = await slots.claim(fleet.session, b"never seen")
        await fleet.join(times=QUICK)
        while (slot, b"never seen") in await slots.held(fleet.session):
            await asyncio.sleep(0.05)
        assert all(pulse.ended for pulse in await pulses.read(fleet.session) if pulse.slot == slot)

    run(story())


def test_what_can_not_be_understood_stays_noted_and_stops_nothing_else(
    fleet: Fleet, run: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """All readers of logs wait for a dead process; so one bad row of its journal is given up in the end, loudly."""
    monkeypatch.setattr(burials, "SET_ASIDE_TRIES", 1)

    async def story() -> None:
        dead, other = await fleet.join(times=QUICK), await fleet.join(times=QUICK)
        update = Story(dead)
        await update.note()
        assert await fleet.session.conditional(update.batch()) is None
        who = dead.clock.slot, dead.membership.incarnation
        bad = 1 << 40, b"\xff of a release to come"
        text = "INSERT INTO journal (slot, incarnation, number, body) VALUES (?, ?, ?, ?)"
        await fleet.session.write(text, *who, *bad, timestamp=1)
        dead.line.cut = True
        while who in await slots.held(fleet.session):
            await asyncio.sleep(0.05)
        assert await journal.read(fleet.session, *who) == ([bad], bad[0])
        assert other.membership.recovery_metrics() == {"recovery_failures_total": 1, "set_aside_total": 1}
        while not (changes := await other.logs.read(update.stream, b"", 0, AMPLE)):
            await asyncio.sleep(0.05)  # what others tell is seen a moment late
        assert [tuple(change) for change in changes] == [(update.version, b"change")]
        await journal.delete(fleet.session, *who)

    run(story())
    assert "a dead process could not be recovered" in caplog.text
    assert "was given up" in caplog.text


def test_a_recovery_that_fails_is_told_of_and_tried_again(
    fleet: Fleet, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        dead, other = await fleet.join(times=QUICK), await fleet.join(times=QUICK)
        recover = other.recovery.recover
        tries = 0

        async def fail_once(slot: int, incarnation: bytes, *, set_aside: bool = False) -> int:
            nonlocal tries
            tries += 1
            if tries == 1:
                raise ZeroDivisionError
            return await recover(slot, incarnation, set_aside=set_aside)

        other.recovery.recover = fail_once  # type: ignore[method-assign]
        await dead.journal.open([])
        dead.line.cut = True
        while other.membership.watermark_seconds() < 1:  # readers are kept behind, which can be seen
            await asyncio.sleep(0.05)
        await recovered(fleet, dead)
        assert tries == 2
        assert other.membership.recovery_metrics()["recovery_failures_total"] == 1

    run(story())
    assert "ZeroDivisionError" in caplog.text
