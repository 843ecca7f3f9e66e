"""The ledger: what is put is read, of all processes together, and what can't be written is not lost."""

import asyncio
import logging
from typing import Any

import pytest
from tests.pace import HANGS_SECONDS
from tests.store.engines import Around
from tests.store.kit import Kit

from statordb.metering.series import ACCOUNT, TABLE, WRITE_UNITS, Figures, Series, Statistic, Subject
from statordb.store.ledger.ledger import Counted
from statordb.store.store import Store

START = 1_700_000_040  # the beginning of a minute
SERIES = Series(WRITE_UNITS, kind="standard")
SUBJECT = Subject("000000000000", "us-east-1", TABLE, "orders", "id")


def figures(*values: float) -> Figures:
    found = Statistic()
    for value in values:
        found.add(value)
    return {SERIES: found}


def put(kit: Kit, minute: int, process: str, *values: float, subject: Subject = SUBJECT) -> None:
    kit.run(kit.store.ledger.put([Counted(subject, minute, process, figures(*values))]))


def test_what_processes_put_is_read_together(kit: Kit) -> None:
    put(kit, START, "one", 1.0)
    put(kit, START, "other", 2.0, 3.0)
    put(kit, START + 60, "one", 4.0)
    found = kit.run(kit.store.ledger.read(SUBJECT, START, START + 120, 60))
    assert found == {SERIES: [(START, figures(1.0, 2.0, 3.0)[SERIES]), (START + 60, figures(4.0)[SERIES])]}


def test_what_a_process_puts_again_takes_the_place_of_what_it_has_put(kit: Kit) -> None:
    put(kit, START, "one", 1.0)
    put(kit, START, "one", 1.0, 2.0)
    assert kit.run(kit.store.ledger.total(SUBJECT)) == figures(1.0, 2.0)


def test_periods_are_of_any_length_and_only_what_is_wanted_is_told(kit: Kit) -> None:
    for minute in range(10):
        put(kit, START + 60 * minute, "one", float(minute))
    found = kit.run(kit.store.ledger.read(SUBJECT, START, START + 9 * 60, 300))
    assert found == {SERIES: [(START, figures(0, 1, 2, 3, 4)[SERIES]), (START + 300, figures(5, 6, 7, 8)[SERIES])]}
    assert kit.run(kit.store.ledger.read(SUBJECT, START, START + 600, 300, lambda series: False)) == {}


def test_many_rows_are_read_page_by_page(kit: Kit) -> None:
    counted = [Counted(SUBJECT, START + 60 * at, "one", figures(1.0)) for at in range(170)]
    kit.run(kit.store.ledger.put(counted))
    assert kit.run(kit.store.ledger.total(SUBJECT))[SERIES].count == 170


def test_subjects_are_listed_by_what_their_names_begin_with(kit: Kit) -> None:
    ledger = kit.store.ledger
    others = [SUBJECT._replace(name="orders2"), SUBJECT._replace(id="id2"), SUBJECT._replace(kind=ACCOUNT, name="")]
    elsewhere = SUBJECT._replace(region="eu-west-1")
    for subject in (SUBJECT, *others, elsewhere, SUBJECT):
        kit.run(ledger.note(subject, 1.5))

    async def listed(*arguments: str) -> list[Subject]:
        return [each.subject async for each in ledger.subjects("000000000000", "us-east-1", *arguments)]

    assert set(kit.run(listed())) == {SUBJECT, *others}
    assert set(kit.run(listed("table/orders/"))) == {SUBJECT, others[1]}
    assert kit.run(listed("table/", "table/orders/id")) == [others[1], others[0]]

    async def scopes() -> list[tuple[str, str]]:
        return [scope async for scope in ledger.scopes()]

    assert kit.run(scopes()) == [("000000000000", "eu-west-1"), ("000000000000", "us-east-1")]


class Closed(Around):
    """A store that takes no updates while it is `full`."""

    full = False
    updates = 0

    async def update(self, *arguments: Any, **named: Any) -> Any:
        if self.full:
            raise OSError(28, "No space left on device")
        self.updates += 1
        return await self.inner.update(*arguments, **named)


class Process:
    """One process of the store."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.engine = Closed(kit.engine)
        self.store = Store(self.engine.as_engine(), kit.clock)
        self.tap = self.store.taps.of(SUBJECT)

    def flush(self) -> None:
        self.kit.run(self.store.flushing.flush())

    def total(self) -> Figures:
        return self.kit.run(self.kit.store.ledger.total(SUBJECT))


@pytest.fixture
def process(kit: Kit) -> Process:
    kit.clock.advance(START - kit.clock.now())
    return Process(kit)


def test_a_minute_grows_from_flush_to_flush(kit: Kit, process: Process) -> None:
    for value in (1, 2):
        process.tap.write(value)
        process.flush()
    assert process.total() == figures(1.0, 2.0)
    rows = kit.run(_rows(kit))
    assert len(rows) == 1


async def _rows(kit: Kit) -> list[Any]:
    return [record async for record in kit.store.ledger.rows(SUBJECT)]


def test_without_traffic_nothing_is_written(process: Process) -> None:
    process.tap.write(1)
    process.flush()
    before = process.engine.updates
    process.flush()
    assert process.engine.updates == before


def test_processes_count_beside_each_other(kit: Kit, process: Process) -> None:
    other = Process(kit)
    for each in (process, other, process):
        each.tap.write(1)
        each.flush()
    assert process.total() == figures(1.0, 1.0, 1.0)


def test_a_full_store_is_told_once_and_what_was_used_meanwhile_is_kept(
    kit: Kit, process: Process, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    process.engine.full = True
    for _ in range(3):
        process.tap.write(1)
        process.flush()
        kit.clock.advance(60)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    process.engine.full = False
    process.flush()
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
    found = kit.run(kit.store.ledger.read(SUBJECT, START, START + 180, 60))
    assert [start for start, _ in found[SERIES]] == [START, START + 60, START + 120]
    assert process.total() == figures(1.0, 1.0, 1.0)


def test_what_could_not_be_written_for_long_is_told_of_the_minute_in_which_it_can(kit: Kit, process: Process) -> None:
    """Minutes that are an hour old are folded, and nothing is added to them then. What had been written stays there."""
    process.tap.write(1)
    process.flush()
    process.engine.full = True
    process.tap.write(2)
    process.flush()
    kit.clock.advance(3000)
    process.flush()
    process.engine.full = False
    process.flush()
    assert process.total() == figures(1.0, 2.0)
    now = process.store.ledger.minutes.start(kit.clock.now())
    assert kit.run(kit.store.ledger.read(SUBJECT, now, now + 60, 60)) == {SERIES: [(now, figures(2.0)[SERIES])]}


def test_a_clock_that_is_set_back_overwrites_nothing(kit: Kit, process: Process) -> None:
    process.tap.write(5)
    kit.clock.advance(61)
    process.flush()
    kit.clock.advance(-61)
    process.tap.write(1)
    process.flush()
    assert process.total() == figures(5.0, 1.0)


def test_minutes_that_wait_are_bounded(kit: Kit, process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their figures go on in those that are there; none are lost."""
    monkeypatch.setattr("statordb.store.ledger.flushing.OPEN_MAX", 2)
    process.engine.full = True
    others = [process.store.taps.of(SUBJECT._replace(name=f"n{at}")) for at in range(3)]
    for _ in range(4):
        for tap in (process.tap, *others):
            tap.write(1)
            process.flush()
        kit.clock.advance(60)
    assert len(process.store.flushing._open) <= 3
    process.engine.full = False
    process.flush()

    async def all_of_them() -> float:
        total = 0.0
        async for account, region in kit.store.ledger.scopes():
            async for each in kit.store.ledger.subjects(account, region):
                total += (await kit.store.ledger.total(each.subject))[SERIES].sum
        return total

    assert kit.run(all_of_them()) == 16.0


def test_a_process_that_ends_writes_what_it_has(kit: Kit, process: Process) -> None:
    process.tap.write(1)
    kit.run(process.store.flushing.close())
    assert process.total() == figures(1.0)


def test_many_subjects_hold_up_nobody(kit: Kit, process: Process) -> None:
    """They are written a few at a time: a loop that stands for long fails its test."""
    taps = [process.store.taps.of(SUBJECT._replace(name=f"n{at}")) for at in range(200)]
    for _ in range(2):  # at first they are listed
        for tap in taps:
            for units in range(1, 6):
                tap.write(units)
                tap.index_write(f"index{units}", units)
        process.flush()
    found = kit.run(kit.store.ledger.total(taps[-1].subject))
    assert sum(statistic.sum for statistic in found.values()) == 2 * 2 * 15


def test_flushing_goes_on_by_itself_and_after_a_fault(
    kit: Kit, process: Process, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    flushing = process.store.flushing
    monkeypatch.setattr(type(flushing._minutes), "flush_seconds", 0.001)
    gather, faults = flushing.gather, 1

    async def faulty() -> None:
        nonlocal faults
        if faults:
            faults -= 1
            raise ValueError("once")
        await gather()

    monkeypatch.setattr(flushing, "gather", faulty)

    async def story() -> None:
        flushing.start()
        process.tap.write(1)
        async with asyncio.timeout(HANGS_SECONDS):
            while not await kit.store.ledger.total(SUBJECT):
                await asyncio.sleep(0)
        await flushing.close()

    kit.run(story())
    assert process.total() == figures(1.0)
    assert [record.message for record in caplog.records] == ["what was used can't be gathered"]
