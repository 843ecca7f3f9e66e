"""Months as bills have them."""

import pytest

from statordb.metering.month import HOUR, Month


def test_a_month_has_its_hours() -> None:
    assert [Month(2026, month).hours for month in (2, 11, 12)] == [672, 720, 744]
    assert Month(2028, 2).hours == 696


def test_a_month_ends_where_the_next_begins() -> None:
    assert Month(2026, 12).ends == Month(2027, 1).begins
    assert Month(2026, 11).ends - Month(2026, 11).begins == 720 * HOUR


@pytest.mark.parametrize(("seconds", "text"), [(1793491200, "2026-11"), (1793491199.9, "2026-10"), (0, "1970-01")])
def test_a_time_is_in_the_month_of_utc(seconds: float, text: str) -> None:
    assert str(Month.of(seconds)) == text


def test_a_month_is_read_as_it_is_written() -> None:
    assert Month.parse("2026-11") == Month(2026, 11)
    assert str(Month(2026, 1)) == "2026-01"


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-1", "2026-13", "2026-00", "26-11", "2026-11-01", "٢٠٢٦-١١", "9999-12"]
)
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a month"):
        Month.parse(text)
