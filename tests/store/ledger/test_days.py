"""Days of a subject, as bills want them."""

import pytest
from tests.in_process import PRINCIPAL, Api

from statordb.metering.month import DAY, HOUR
from statordb.metering.series import (
    BILLED,
    READ_UNITS,
    TABLE,
    TABLE_BYTES,
    TABLE_ITEMS,
    Figures,
    Series,
    Statistic,
    Subject,
)
from statordb.metering.usage import Step
from statordb.store.ledger import days as days_module
from statordb.store.ledger.days import Day, Days
from statordb.store.ledger.ledger import Counted

SUBJECT = Subject(PRINCIPAL.account, PRINCIPAL.region, TABLE, "things", "id")
WRITES = Series(BILLED, kind="WriteRequestUnits")
BEGIN = 19_700 * DAY


class Reading:
    """A ledger that is written to, and how often it is read."""

    def __init__(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        self.api = api
        self.days = Days(api.store.ledger)
        self.reads = 0
        rows = api.store.ledger.rows

        def counted(*between: object) -> object:
            self.reads += 1
            return rows(*between)  # type: ignore[arg-type]

        monkeypatch.setattr(api.store.ledger, "rows", counted)

    def put(self, minute: int, process: str, **units: float) -> None:
        figures: Figures = {
            {"writes": WRITES, "read": Series(READ_UNITS), "bytes": Series(TABLE_BYTES), "items": Series(TABLE_ITEMS)}[
                name
            ]: Statistic(1, value, value, value)
            for name, value in units.items()
        }
        self.api.run(self.api.store.ledger.put([Counted(SUBJECT, BEGIN + minute * 60, process, figures)]))

    def of(self, day: int, now: float) -> Day:
        found: Day = self.api.run(self.days.of(SUBJECT, BEGIN + day * DAY, BEGIN + now))
        return found


@pytest.fixture
def reading(api: Api, monkeypatch: pytest.MonkeyPatch) -> Reading:
    return Reading(api, monkeypatch)


def test_a_day_has_what_all_processes_counted_of_it(reading: Reading) -> None:
    reading.put(0, "one", writes=3, read=9)
    reading.put(0, "two", writes=4)
    reading.put(1439, "one", writes=5)
    reading.put(1440, "one", writes=100)
    assert reading.of(0, DAY) == Day({WRITES: Statistic(3, 12.0, 3.0, 5.0)})
    assert reading.of(1, DAY) == Day({WRITES: Statistic(1, 100.0, 100.0, 100.0)})


def test_sizes_have_their_times_and_what_storage_costs_an_item(reading: Reading) -> None:
    reading.put(0, "keeper", bytes=1000, items=2)
    reading.put(60, "keeper", bytes=0, items=0)
    assert reading.of(0, DAY).sizes == [Step(BEGIN, 1200), Step(BEGIN + HOUR, 0)]


def test_a_day_that_is_over_is_read_once(reading: Reading) -> None:
    assert reading.of(0, DAY + HOUR) == reading.of(0, 2 * DAY)
    assert reading.reads == 1


def test_a_day_that_goes_on_or_may_be_told_more_of_is_read_again(reading: Reading) -> None:
    for now in (10.0, DAY, DAY + HOUR - 1):
        reading.of(0, now)
        reading.put(0, str(now), writes=1)
    assert reading.of(0, DAY + HOUR).figures[WRITES].sum == 3
    assert reading.reads == 4


def test_only_so_many_days_are_known(reading: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(days_module, "DAYS_MAX", 2)
    for day in (0, 1, 0, 2):  # the second is asked for longest ago
        reading.of(day, 9 * DAY)
    reading.of(0, 9 * DAY)
    assert reading.reads == 3
    reading.of(1, 9 * DAY)
    assert reading.reads == 4
