"""What a bill can be asked for."""

import pytest

from statordb.metering.month import Month
from statordb.server.billing.query import BadQuery, Query, parse

NOW = Month(2026, 11).begins + 1000.0


def test_nothing_asks_for_this_month_of_everybody() -> None:
    assert parse({}, NOW) == Query(Month(2026, 11))


def test_everything_can_be_narrowed() -> None:
    given = {"month": "2026-10", "account": "123456789012", "region": "eu-west-1", "table": "orders", "compare": "1"}
    assert parse(given, NOW) == Query(Month(2026, 10), "123456789012", "eu-west-1", "orders", True)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"month": "november"}, "'november' is not a month, such as 2026-11."),
        ({"month": "2026-12"}, "The month 2026-12 has not begun."),
        ({"account": "12"}, "The value '12' of account is not an account of 12 digits."),
        ({"region": ""}, "The value '' of region is not a region."),
        ({"table": "a/b"}, "The value 'a/b' of table is not the name of a table."),
        ({"compare": "yes"}, "The value of compare is not 1."),
        ({"tabel": "t"}, "There is no 'tabel' to ask for: month, account, region, table, compare."),
    ],
)
def test_what_there_is_not_is_refused(given: dict[str, str], said: str) -> None:
    with pytest.raises(BadQuery) as raised:
        parse(given, NOW)
    assert str(raised.value) == said
