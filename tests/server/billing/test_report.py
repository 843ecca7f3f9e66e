"""A bill as it is shown."""

from decimal import Decimal

from statordb.metering import bill
from statordb.metering.comparison import Demand, compare
from statordb.metering.month import HOUR, Month
from statordb.metering.prices import BUNDLED, parse
from statordb.metering.usage import ON_DEMAND, Usage
from statordb.server.billing.report import Report, document, text

SHEET = parse(BUNDLED.read_bytes())
MONTH = Month(2026, 11)
ACCOUNT = "123456789012"


def used(usage_type: str, quantity: str, table: str = "orders", region: str = "us-east-1") -> Usage:
    return Usage(ACCOUNT, region, table, usage_type, Decimal(quantity))


def report(*usages: Usage, projected: str | None = None) -> Report:
    return Report(bill.make(MONTH, usages, SHEET), SHEET.date, None if projected is None else Decimal(projected))


def test_a_line_in_json() -> None:
    shown = document(report(used("WriteRequestUnits", "1000"), used("ReadRequestUnits", "0.5"), projected="0.01"))
    assert shown == {
        "month": "2026-11",
        "currency": "USD",
        "lines": [
            {
                "account": ACCOUNT,
                "region": "us-east-1",
                "table": "orders",
                "usage_type": "ReadRequestUnits",
                "quantity": 0.5,
                "unit": "ReadRequestUnits",
                "price_usd": 0.000000125,
                "amount_usd": 0.0000000625,
            },
            {
                "account": ACCOUNT,
                "region": "us-east-1",
                "table": "orders",
                "usage_type": "WriteRequestUnits",
                "quantity": 1000,
                "unit": "WriteRequestUnits",
                "price_usd": 0.000000625,
                "amount_usd": 0.000625,
            },
        ],
        "total_usd": 0.0006250625,
        "projected_total_usd": 0.01,
        "unknown_prices": [],
        "prices_of": "2026-08-31",
    }


def test_the_total_in_json_is_the_sum_of_the_lines() -> None:
    shown = document(report(*(used("TimedStorage-ByteHrs", "33.3333333333", table) for table in ("abc", "def"))))
    assert len(shown["lines"]) == 4
    assert shown["total_usd"] == float(sum(Decimal(str(line["amount_usd"])) for line in shown["lines"]))


def test_an_unknown_price_is_null_in_json() -> None:
    shown = document(report(used("WriteRequestUnits", "1", region="sa-east-1")))
    assert (shown["lines"][0]["price_usd"], shown["lines"][0]["amount_usd"]) == (None, None)
    assert (shown["total_usd"], shown["unknown_prices"]) == (0, ["SAE1-WriteRequestUnits"])


def test_people_see_usage_types() -> None:
    usages = (used("WriteRequestUnits", "1000"), used("WriteRequestUnits", "2000000", "carts"))
    assert text(report(*usages, projected="25.005"), by_table=False) == (
        "Bill of 2026-11, by the prices of 2026-08-31, in USD\n"
        "\n"
        "account       region     usage type         quantity  unit                     price  amount\n"
        "123456789012  us-east-1  WriteRequestUnits   2001000  WriteRequestUnits  0.000000625    1.25\n"
        "\n"
        "Total: 1.25\n"
        "At this rate the month comes to: 25.01\n"
    )


def test_people_see_tables_where_they_ask_for_them() -> None:
    usages = (used("WriteRequestUnits", "1000"), used("WriteRequestUnits", "2000000", "carts"))
    rows = text(report(*usages), by_table=True).splitlines()[3:7]
    assert [(row.split()[2], row.split()[3], row.split()[-1]) for row in rows] == [
        ("carts", "WriteRequestUnits", "1.25"),
        ("carts", "all", "1.25"),
        ("orders", "WriteRequestUnits", "0.000625"),  # what is less than a cent is shown as it is
        ("orders", "all", "0.000625"),
    ]


def test_people_are_told_what_is_unknown() -> None:
    shown = text(report(used("WriteRequestUnits", "1", region="sa-east-1")), by_table=False)
    assert "unknown  unknown\n" in shown
    assert shown.endswith(
        "Total: 0.00\n\nThe price sheet has no prices of these, which are not in the total:\n  SAE1-WriteRequestUnits\n"
    )


def test_nothing_used() -> None:
    assert text(report(), by_table=False).splitlines()[2:] == ["Nothing was used.", "", "Total: 0.00"]


def test_a_comparison() -> None:
    load = {MONTH.begins + number * 60: 6000.0 for number in range(60)}
    demand = Demand(ACCOUNT, "us-east-1", "orders", ON_DEMAND, "", (load,), ({},))
    compared = compare(demand, SHEET, MONTH.begins, MONTH.begins + HOUR)
    made = Report(bill.make(MONTH, [], SHEET), SHEET.date, None, [compared])
    assert document(made)["comparison"] == [
        {
            "account": ACCOUNT,
            "region": "us-east-1",
            "table": "orders",
            "billing_mode": "PAY_PER_REQUEST",
            "on_demand_usd": 0.045,
            "provisioned_usd": 0.01924,
            "cheaper": "PROVISIONED",
            "saved_usd": 0.02576,
            "throttled_read_units": 0.0,
            "throttled_write_units": 0,
        }
    ]
    assert text(made, by_table=False).splitlines()[-1].split() == [
        ACCOUNT, "us-east-1", "orders", "0.05", "0.02", "provisioned", "by", "0.03", "0.0", "0.0",
    ]  # fmt: skip
