"""From usages to lines: tiers, what is free, and whose part of it is whose."""

from decimal import Decimal

import pytest

from statordb.metering import bill
from statordb.metering.bill import Bill, Line
from statordb.metering.month import HOUR, Month
from statordb.metering.prices import BUNDLED, parse
from statordb.metering.usage import Usage

SHEET = parse(BUNDLED.read_bytes())
MONTH = Month(2026, 11)


def used(
    usage_type: str, quantity: str | int, table: str = "t", region: str = "us-east-1", account: str = "1"
) -> Usage:
    return Usage(account, region, table, usage_type, Decimal(quantity))


def make(*usages: Usage) -> Bill:
    return bill.make(MONTH, usages, SHEET)


def shown(line: Line) -> tuple[str, str, str | None]:
    amount = None if line.amount is None else f"{line.amount.normalize():f}"
    return line.table, f"{line.quantity.normalize():f}", amount


def test_a_line_has_its_price() -> None:
    (line,) = make(used("WriteRequestUnits", 1000)).lines
    assert line == Line(
        account="1",
        region="us-east-1",
        table="t",
        usage_type="WriteRequestUnits",
        quantity=Decimal(1000),
        unit="WriteRequestUnits",
        price=Decimal("0.000000625"),
        amount=Decimal("0.000625"),
    )


def test_usages_of_the_same_are_one_line() -> None:
    assert [shown(line) for line in make(used("ReadRequestUnits", "0.5"), used("ReadRequestUnits", 7)).lines] == [
        ("t", "7.5", "0.0000009375")
    ]


def test_nothing_used_is_no_line() -> None:
    assert make(used("WriteRequestUnits", 0)).lines == ()
    assert make().total == 0


def test_the_first_tier_is_free() -> None:
    """25 units for 744 hours, in every month: so AWS's price list has it."""
    made = make(used("WriteCapacityUnit-Hrs", 18_601))
    assert [shown(line) for line in made.lines] == [("t", "18600", "0"), ("t", "1", "0.00065")]
    assert made.total == Decimal("0.00065")


def test_tables_share_a_tier_by_what_they_use() -> None:
    made = make(used("TimedStorage-ByteHrs", 75, "a"), used("TimedStorage-ByteHrs", 25, "b"))
    assert [shown(line) for line in made.lines] == [
        ("a", "18.75", "0"),
        ("a", "56.25", "14.0625"),
        ("b", "6.25", "0"),
        ("b", "18.75", "4.6875"),
    ]
    assert made.total == 75 * Decimal("0.25")


def test_nothing_is_lost_where_a_tier_is_divided() -> None:
    """Thirds have no end: what rounding takes from one tier is in the next."""
    made = make(*(used("TimedStorage-ByteHrs", 10, table) for table in "abc"))
    by_table = {table: sum(line.quantity for line in made.lines if line.table == table) for table in "abc"}
    assert by_table == dict.fromkeys("abc", Decimal(10))
    assert bill.cents(made.total) == Decimal("1.25")


def test_accounts_and_regions_have_tiers_of_their_own() -> None:
    made = make(
        used("TimedStorage-ByteHrs", 25),
        used("TimedStorage-ByteHrs", 25, account="2"),
        used("TimedStorage-ByteHrs", 25, region="eu-west-1"),
    )
    assert [line.amount for line in made.lines] == [0, 0, 0]


def test_transfer_is_free_over_all_regions_at_first() -> None:
    made = make(used("DataTransfer-Out-Bytes", 150), used("DataTransfer-Out-Bytes", 50, region="us-east-2"))
    assert [(line.region, *shown(line)) for line in made.lines] == [
        ("us-east-1", "t", "75", "0"),
        ("us-east-1", "t", "75", "6.75"),
        ("us-east-2", "t", "25", "0"),
        ("us-east-2", "t", "25", None),
    ]


def test_an_unknown_price_is_said_to_be_unknown() -> None:
    made = make(used("WriteRequestUnits", 8, region="sa-east-1"), used("WriteRequestUnits", 8), used("New", 1))
    assert made.unknown == ["New", "SAE1-WriteRequestUnits"]
    assert made.total == Decimal("0.000005")


def test_the_infrequent_class_has_nothing_free() -> None:
    assert make(used("IA-TimedStorage-ByteHrs", 1)).total == Decimal("0.1")


def test_a_part_of_a_bill_keeps_the_tiers_of_the_whole() -> None:
    made = make(used("TimedStorage-ByteHrs", 75, "a"), used("TimedStorage-ByteHrs", 25, "b"))
    assert made.of(table="b").total == Decimal("4.6875")
    assert made.of(table="a").total + made.of(table="b").total == made.total
    assert made.of(account="2").lines == ()
    assert made.of(region="us-east-1", account="1") == made


def test_the_bill_does_not_depend_on_the_order_of_what_was_used() -> None:
    usages = [used("TimedStorage-ByteHrs", 10, table) for table in "abc"]
    assert make(*usages) == make(*reversed(usages))


@pytest.mark.parametrize(
    ("began", "now", "factor"),
    [
        (MONTH.begins, MONTH.begins + 72 * HOUR, 10),
        (MONTH.begins - 99 * HOUR, MONTH.begins + 72 * HOUR, 10),  # it went on before the month
        (MONTH.ends - 2 * HOUR, MONTH.ends - HOUR, 2),  # the first of it came late in the month
        (MONTH.ends - 2 * HOUR, MONTH.ends - 2 * HOUR + 60, 1 + Decimal(7140) / 3600),  # an hour at the least
        (MONTH.begins, MONTH.ends + HOUR, 1),  # the month is over
    ],
)
def test_a_month_goes_on_as_it_went(began: float, now: float, factor: Decimal) -> None:
    usages = [used("WriteRequestUnits", 1_000_000)]
    expected = (Decimal(1_000_000) * Decimal(factor)).quantize(bill.PLACES) * Decimal("0.000000625")
    assert bill.projected(MONTH, usages, SHEET, began, now).total == expected.quantize(bill.PLACES)


def test_what_goes_on_reaches_dearer_tiers() -> None:
    half = [used("WriteCapacityUnit-Hrs", 18_600)]
    assert make(*half).total == 0
    projected = bill.projected(MONTH, half, SHEET, MONTH.begins, MONTH.begins + 360 * HOUR)
    assert projected.total == 18_600 * Decimal("0.00065")


@pytest.mark.parametrize(("amount", "cents"), [("0.005", "0.01"), ("0.0049999999", "0.00"), ("1.995", "2.00")])
def test_cents_are_rounded_half_up(amount: str, cents: str) -> None:
    assert str(bill.cents(Decimal(amount))) == cents
