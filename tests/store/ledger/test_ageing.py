"""The ledger grows old: fewer rows, the same figures."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.store.engines import Died, Mortal
from tests.store.kit import Kit

from statordb.keeper.ledger import Ledger as Duty
from statordb.metering.minutes import DAY, FIVE, HOUR, Minutes
from statordb.metering.series import TABLE, WRITE_UNITS, Figures, Series, Statistic, Subject
from statordb.store.ledger.ageing import Ageing
from statordb.store.ledger.ledger import Counted
from statordb.store.ledger.records import FiguresRecord, SubjectRecord, key_parts

START = 1_699_999_200  # the beginning of an hour
MINUTE = 60
SERIES = Series(WRITE_UNITS, kind="standard")
SUBJECT = Subject("000000000000", "us-east-1", TABLE, "orders", "id")


def units(*values: float) -> Figures:
    found = Statistic()
    for value in values:
        found.add(value)
    return {SERIES: found}


def put(kit: Kit, *where: tuple[int, str], value: float = 1.0) -> None:
    """One unit each, in minutes from START on, of processes."""
    counted = [Counted(SUBJECT, START + minute * MINUTE, process, units(value)) for minute, process in where]
    kit.run(kit.store.ledger.put(counted))


def noted(kit: Kit) -> SubjectRecord:
    async def found() -> SubjectRecord:
        await kit.store.ledger.note(SUBJECT, START)
        (record,) = [each async for each in kit.store.ledger.subjects(SUBJECT.account, SUBJECT.region)]
        return record

    return kit.run(found())


def age(kit: Kit, minutes: float) -> None:
    """Bring the ledger to its age so many minutes behind START."""
    kit.run(Ageing(kit.engine, Minutes()).age(noted(kit), START + minutes * MINUTE))


def rows(kit: Kit) -> list[tuple[int, int]]:
    """Start, in minutes, and length of each row."""

    async def found() -> list[FiguresRecord]:
        return [record async for record in kit.store.ledger.rows(SUBJECT)]

    return [((record.start - START) // MINUTE, record.seconds // MINUTE) for record in kit.run(found())]


def total(kit: Kit) -> float:
    found = kit.run(kit.store.ledger.total(SUBJECT))
    return found[SERIES].sum if found else 0.0


def test_what_processes_have_of_a_minute_becomes_one_row_after_an_hour(kit: Kit) -> None:
    put(kit, (0, "a"), (0, "b"), (1, "a"), (2, "a"), (2, "b"), (2, "c"))
    age(kit, 59)
    assert len(rows(kit)) == 6
    age(kit, HOUR + 2)
    assert rows(kit) == [(0, 1), (1, 1), (2, 1), (2, 1), (2, 1)], "the third minute is not an hour old"
    age(kit, HOUR + 3)
    assert rows(kit) == [(0, 1), (1, 1), (2, 1)]
    assert total(kit) == 6.0


def test_minutes_become_five_and_then_hours_and_go(kit: Kit) -> None:
    put(kit, *((minute, "a") for minute in range(120)))
    age(kit, 15 * DAY + 60)
    assert rows(kit)[:12] == [(five, FIVE) for five in range(0, 60, FIVE)]
    assert len(rows(kit)) == 12 + 60
    age(kit, 63 * DAY + 120)
    assert rows(kit) == [(0, HOUR), (60, HOUR)]
    assert total(kit) == 120.0
    age(kit, 455 * DAY + 60)
    assert rows(kit) == [(60, HOUR)]
    age(kit, 455 * DAY + 120)
    assert rows(kit) == []


def test_more_rows_of_a_minute_than_are_looked_at_in_one_go_become_one(kit: Kit) -> None:
    put(kit, *((0, f"process{number}") for number in range(200)), (1, "a"))
    age(kit, 2 * HOUR)
    assert rows(kit) == [(0, 1), (1, 1)]
    assert total(kit) == 201.0


def test_what_a_process_puts_late_is_folded_with_the_rest(kit: Kit) -> None:
    """It was stopped, or its clock is behind."""
    put(kit, (0, "a"), (0, "b"))
    age(kit, 2 * HOUR)
    put(kit, (0, "c"))
    assert total(kit) == 3.0
    age(kit, 15 * DAY + 60)
    assert rows(kit) == [(0, FIVE)]
    assert total(kit) == 3.0


def test_the_second_look_begins_where_the_first_ended(kit: Kit) -> None:
    put(kit, (0, "a"), (0, "b"))
    age(kit, 2 * HOUR)
    assert noted(kit).aged[0] == START + HOUR * MINUTE


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    where=st.lists(st.tuples(st.integers(0, 130), st.sampled_from("abc")), max_size=40, unique=True),
    looks=st.lists(
        st.sampled_from([60, 61, 90, 180, 15 * DAY + 7, 15 * DAY + 200, 63 * DAY + 70, 64 * DAY]), max_size=4
    ),
)
def test_figures_stay_what_they_are_in_any_period_that_is_kept(
    kit: Kit, where: list[tuple[int, str]], looks: list[int]
) -> None:
    clear(kit)
    put(kit, *where)
    ledger = kit.store.ledger
    before = kit.run(ledger.read(SUBJECT, START, START + 3 * HOUR * MINUTE, HOUR * MINUTE))
    for look in sorted(looks):
        age(kit, look)
    assert kit.run(ledger.read(SUBJECT, START, START + 3 * HOUR * MINUTE, HOUR * MINUTE)) == before
    assert total(kit) == len(where)


def clear(kit: Kit) -> None:
    age(kit, 500 * DAY)
    kit.run(Ageing(kit.engine, Minutes()).forget(noted(kit)))


@pytest.mark.parametrize("lives", range(1, 6))
def test_whoever_dies_meanwhile_leaves_the_figures_as_they_are(kit: Kit, lives: int) -> None:
    put(kit, *((minute, process) for minute in range(0, 100, 3) for process in "ab"))
    known = noted(kit)
    mortal = Ageing(Mortal(kit.engine, lives).as_engine(), Minutes())
    try:
        kit.run(mortal.age(known, START + 63 * DAY * MINUTE + 7200))
    except Died:
        pass
    assert total(kit) == 68.0
    age(kit, 63 * DAY + 120)
    assert total(kit) == 68.0
    assert rows(kit) == [(0, HOUR), (60, HOUR)]


def test_rows_lie_where_their_keys_say(kit: Kit) -> None:
    put(kit, (7, "a"))
    (row,) = kit.rows(18)
    assert key_parts(row.sort) == (START + 7 * MINUTE, MINUTE, "a")


def test_the_duty_forgets_tables_that_are_gone_with_the_last_of_their_figures(kit: Kit) -> None:
    kit.clock.advance(START - kit.clock.now())
    table = kit.made(kit.record("orders"))
    subject = SUBJECT._replace(id=table.record.id)
    table.tap.write(1)
    kit.run(kit.store.flushing.flush())
    duty = Duty(kit.store)

    async def keep() -> list[Subject]:
        while await duty.run_once():
            pass
        return [each.subject async for each in kit.store.ledger.subjects(SUBJECT.account, SUBJECT.region)]

    kit.clock.advance(500 * DAY * MINUTE)
    assert kit.run(keep()) == [subject], "the table is there"
    assert kit.run(kit.store.ledger.total(subject)) == {}
    kit.run(kit.catalog.change(SUBJECT.account, SUBJECT.region, "orders", lambda old: None))
    assert kit.run(keep()) == []
    assert kit.run(kit.store.ledger.capacities(subject)) == []


def test_whoever_reads_while_rows_become_one_misses_nothing(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page may end between two processes' rows of a minute."""
    put(kit, *((minute, process) for minute in range(40) for process in "abc"))
    known, look, pages = noted(kit), kit.engine.range, 0

    async def folded_meanwhile(*arguments: Any, **named: Any) -> Any:
        nonlocal pages
        pages += 1
        if pages == 2:
            monkeypatch.setattr(kit.engine, "range", look)
            await Ageing(kit.engine, Minutes()).age(known, START + 2 * HOUR * MINUTE)
        return await look(*arguments, **named)

    monkeypatch.setattr(kit.engine, "range", folded_meanwhile)
    assert total(kit) == 120.0
    assert len(rows(kit)) == 40
