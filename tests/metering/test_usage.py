"""Hours of capacity and bytes over time."""

from decimal import Decimal

import pytest

from statordb.metering.month import HOUR
from statordb.metering.usage import GIGABYTE, Step, byte_seconds, gigabyte_months, unit_hours

DAY = 24 * HOUR


def steps(*pairs: tuple[float, int]) -> list[Step]:
    return [Step(at, value) for at, value in pairs]


@pytest.mark.parametrize(
    ("changes", "until", "hours"),
    [
        ([], DAY, 0),
        ([(0, 5)], DAY, 24 * 5),
        ([(0, 5)], DAY + 1, 25 * 5),  # an hour that has begun counts as a whole
        ([(1800, 5)], HOUR, 5),
        ([(0, 5), (60, 20), (120, 5)], 2 * HOUR, 20 + 5),  # the most of the hour
        ([(0, 5), (HOUR, 20)], 2 * HOUR, 5 + 20),  # a change on the hour is the next hour's
        ([(0, 5), (HOUR + 1, 0)], DAY, 5 + 5),  # deleted
        ([(0, 5), (60, 0), (7 * HOUR + 1, 3)], 8 * HOUR, 5 + 3),  # made again under the same name
        ([(-DAY, 9), (-HOUR, 5)], HOUR, 5),  # what was set before the month
        ([(0, 5), (2 * DAY, 50)], DAY, 24 * 5),  # what is set after it
        ([(0, 5), (60, 20), (60, 7)], HOUR, 7),  # of two at once the last one holds
    ],
)
def test_an_hour_counts_with_the_most_it_had(changes: list[tuple[float, int]], until: float, hours: int) -> None:
    assert unit_hours(steps(*changes), 0, until) == hours


def test_a_size_counts_as_long_as_it_is_there() -> None:
    assert byte_seconds(steps((0, 100), (10, 300), (15, 0)), 0, 60) == 100 * 10 + 300 * 5
    assert byte_seconds(steps((-60, 100)), 0, 60) == 6000
    assert byte_seconds(steps((0, 8)), 0, 0.25) == 2


def test_a_gigabyte_of_a_whole_month_is_one() -> None:
    seconds = byte_seconds(steps((0, GIGABYTE)), 0, 720 * HOUR)
    assert gigabyte_months(seconds, 720) == 1
    assert gigabyte_months(seconds, 744) < 1
    assert gigabyte_months(Decimal(0), 720) == 0
