"""On demand against provisioned, for the same minutes."""

from decimal import Decimal

import pytest

from statordb.metering.comparison import PROVISIONED, Demand, Minutes, compare, follow
from statordb.metering.month import HOUR, Month
from statordb.metering.prices import BUNDLED, parse
from statordb.metering.usage import ON_DEMAND

SHEET = parse(BUNDLED.read_bytes())
BEGIN = Month(2026, 11).begins
MINUTE = 60


def minutes(*used: float, first: int = 0) -> dict[int, float]:
    return {BEGIN + (first + number) * MINUTE: units for number, units in enumerate(used)}


def demand(reads: Minutes, writes: Minutes, prefix: str = "", region: str = "us-east-1") -> Demand:
    return Demand("1", region, "t", ON_DEMAND, prefix, (reads,), (writes,))


def test_a_steady_load_has_what_its_target_takes() -> None:
    """42 a second are 70 % of 60."""
    run = follow(minutes(*[42.0 * MINUTE] * 120), BEGIN, BEGIN + 2 * HOUR)
    assert (run.unit_hours, run.throttled) == (2 * 60, 0)


def test_an_idle_table_has_one_unit() -> None:
    assert follow({}, BEGIN, BEGIN + 720 * HOUR).unit_hours == 720
    assert follow(minutes(1.0, first=60 * 500), BEGIN, BEGIN + 720 * HOUR).unit_hours == 720


def test_capacity_goes_out_after_two_minutes() -> None:
    """The first of them empties what was saved in the hour before; of the second, more comes than there is."""
    run = follow(minutes(*[42.0] * 60, 360.0, 100.0, 100.0, *[100.0] * 57), BEGIN, BEGIN + 2 * HOUR)
    assert run.throttled == 40
    assert run.unit_hours == 1 + 3


def test_capacity_comes_in_after_fifteen_quiet_minutes() -> None:
    run = follow(minutes(*[4200.0] * 30), BEGIN, BEGIN + 3 * HOUR)
    assert run.unit_hours == 100 + 1 + 1  # it comes in before the second hour begins


def test_decreases_are_rationed() -> None:
    """Four a day, and then an hour after the last: the fifth, from 3 units to 1, is put off into the third hour."""
    load = [42.0 * units for units in (64, 31, 15, 7, 3, 1, 1, 1, 1) for _ in range(20)]
    assert follow(minutes(*load), BEGIN, BEGIN + 4 * HOUR).unit_hours == 64 + 15 + 3 + 1


def test_a_rest_changes_nothing() -> None:
    """Stretches without use are not walked through minute by minute."""
    used = {**minutes(4200.0, 4200.0), **minutes(0.5, first=10_000), **minutes(900.0, 900.0, first=40_000)}
    explicit = {BEGIN + number * MINUTE: used.get(BEGIN + number * MINUTE, 0.0) for number in range(43_200)}
    end = BEGIN + 720 * HOUR
    assert follow(used, BEGIN, end) == follow(explicit, BEGIN, end)


def test_an_even_load_is_cheaper_provisioned() -> None:
    load = minutes(*[6000.0] * 600)
    found = compare(demand(load, load), SHEET, BEGIN, BEGIN + 10 * HOUR)
    units = Decimal(6000 * 600)
    assert found.on_demand == units * Decimal("0.125") / 10**6 + units * Decimal("0.625") / 10**6
    assert found.provisioned == 143 * 10 * (Decimal("0.00013") + Decimal("0.00065"))
    assert found.cheaper == PROVISIONED
    assert found.saved == found.on_demand - found.provisioned


def test_a_rare_load_is_cheaper_on_demand() -> None:
    found = compare(demand({}, minutes(600.0)), SHEET, BEGIN, BEGIN + 24 * HOUR)
    assert found.cheaper == ON_DEMAND
    assert found.provisioned is not None
    assert found.on_demand == 600 * Decimal("0.625") / 10**6


def test_each_index_has_a_capacity_of_its_own() -> None:
    load = minutes(42.0)
    one = compare(demand({}, load), SHEET, BEGIN, BEGIN + HOUR)
    both = compare(Demand("1", "us-east-1", "t", ON_DEMAND, "", ({}, {}), (load, load)), SHEET, BEGIN, BEGIN + HOUR)
    assert one.provisioned is not None
    assert both.provisioned == 2 * one.provisioned


def test_the_infrequent_class_has_prices_of_its_own() -> None:
    found = compare(demand({}, minutes(1000.0), prefix="IA-"), SHEET, BEGIN, BEGIN + HOUR)
    assert found.on_demand == 1000 * Decimal("0.78") / 10**6


def test_where_a_price_is_unknown_nothing_is_cheaper() -> None:
    found = compare(demand({}, minutes(1.0), region="sa-east-1"), SHEET, BEGIN, BEGIN + HOUR)
    assert (found.on_demand, found.provisioned, found.cheaper, found.saved) == (None, None, None, None)


@pytest.mark.parametrize("until", [BEGIN, BEGIN + 1, BEGIN + 59.5])
def test_a_table_of_less_than_a_minute(until: float) -> None:
    assert follow(minutes(5.0), BEGIN, until).unit_hours == (1 if until > BEGIN else 0)
