"""The ledger upon each engine: what processes put is read together, and grows old without being lost."""

from typing import Any
from uuid import uuid4

import pytest
from tests.engine.contract.conftest import Run

from statordb.engine.contract import Engine
from statordb.metering.minutes import HOUR, Minutes
from statordb.metering.series import BILLED, REST, TABLE, WRITE_UNITS, Figures, Series, Statistic, Subject
from statordb.model.clock import ManualClock
from statordb.store.ledger.ageing import Ageing
from statordb.store.ledger.ledger import Counted, Ledger
from statordb.store.ledger.settling import Settling
from statordb.store.store import Store

START = 1_699_999_200  # the beginning of an hour
MINUTE = 60
SERIES = Series(WRITE_UNITS, kind="standard")


def units(*values: float) -> Figures:
    found = Statistic()
    for value in values:
        found.add(value)
    return {SERIES: found}


@pytest.fixture
def subject() -> Subject:
    """The store may be one that others use too."""
    return Subject(uuid4().hex[:12], "us-east-1", TABLE, "orders", uuid4().hex)


def test_what_processes_put_is_read_together(engine: Engine, run: Run, subject: Subject) -> None:
    ledger = Ledger(engine, Minutes())

    async def story() -> None:
        await ledger.put([Counted(subject, START + at * MINUTE, "one", units(1.0)) for at in range(12)])
        await ledger.put(
            [Counted(subject, START, "other", units(2.0)), Counted(subject, START, "one", units(1.0, 3.0))]
        )
        found = await ledger.read(subject, START, START + 2 * MINUTE, MINUTE)
        assert found == {SERIES: [(START, units(1.0, 2.0, 3.0)[SERIES]), (START + MINUTE, units(1.0)[SERIES])]}
        assert (await ledger.total(subject))[SERIES].sum == 17.0

    run(story())


def test_a_process_counts_and_what_it_counted_grows_old(engine: Engine, run: Run, subject: Subject) -> None:
    clock = ManualClock(START)
    stores = [Store(engine, clock), Store(engine, clock)]
    reader = Ledger(engine, Minutes())

    async def story() -> None:
        for _ in range(3):
            for store in stores:
                store.taps.of(subject).write(1)
                await store.flushing.flush()
            clock.advance(MINUTE)
        assert await rows() == 6
        (known,) = [each async for each in reader.subjects(subject.account, subject.region)]
        for _ in range(2):  # as by a keeper that comes after another one
            await Ageing(engine, Minutes()).age(known, START + 2 * HOUR * MINUTE)
        assert await rows() == 3
        assert (await reader.total(subject))[SERIES] == units(*[1.0] * 6)[SERIES]
        assert await Ageing(engine, Minutes()).forget(known) is False
        await Ageing(engine, Minutes()).age(known, START + 500 * 24 * HOUR * MINUTE)
        assert await Ageing(engine, Minutes()).forget(known)
        assert [each async for each in reader.subjects(subject.account, subject.region)] == []

    async def rows() -> int:
        found: list[Any] = [row async for row in reader.rows(subject)]
        return len(found)

    run(story())


def test_a_table_that_is_gone_is_settled_with_what_it_was_billed(engine: Engine, run: Run, subject: Subject) -> None:
    """Rows of the table, of the rest and of the list of subjects lie in partitions of their own."""
    ledger, ageing = Ledger(engine, Minutes()), Ageing(engine, Minutes())
    series, now = Series(BILLED, kind="WriteRequestUnits"), START + 4 * HOUR * MINUTE
    figures = {series: units(1.0)[SERIES]}

    async def story() -> None:
        await ledger.note(subject, START)
        await ledger.put([Counted(subject, START + at * MINUTE, of, figures) for at in range(40) for of in "ab"])
        await ledger.end(subject, START + HOUR * MINUTE)
        (gone,) = [each async for each in ledger.subjects(subject.account, subject.region)]
        assert await Settling(engine, ledger, ageing).settle(gone, now)
        (rest,) = [each async for each in ledger.subjects(subject.account, subject.region)]
        assert (rest.kind, rest.moves) == (REST, 3)
        assert (await ledger.total(rest.subject))[series].sum == 80.0
        assert await ledger.total(subject) == {}
        assert await ledger.moves(subject.account) == 3

    run(story())
