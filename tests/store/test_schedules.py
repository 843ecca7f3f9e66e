"""When scheduled actions are due."""

from datetime import UTC, datetime

import pytest

from statordb.store.scaling.records import ActionRecord
from statordb.store.scaling.schedules import BadSchedule, next_of, parse


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def due(schedule: str, after: str, zone: str | None = None) -> str | None:
    found = parse(schedule, zone).after(at(after), at(after))
    return None if found is None else datetime.fromtimestamp(found, UTC).strftime("%Y-%m-%dT%H:%M:%S")


NOW = "2026-11-30T17:20:30"  # a Monday


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("at(2026-12-01T00:00:00)", "2026-12-01T00:00:00"),
        ("at(2026-12-01T00:00)", "2026-12-01T00:00:00"),
        ("at(2026-11-30T17:20:30)", None),
        ("rate(1 minute)", "2026-11-30T17:21:30"),
        ("rate(5 minutes)", "2026-11-30T17:25:30"),
        ("rate(12 hours)", "2026-12-01T05:20:30"),
        ("rate(7 days)", "2026-12-07T17:20:30"),
        ("cron(0 10 * * ? *)", "2026-12-01T10:00:00"),
        ("cron(15 12 * * ? *)", "2026-12-01T12:15:00"),
        ("cron(0 18 ? * MON-FRI *)", "2026-11-30T18:00:00"),
        ("cron(0 8 1 * ? *)", "2026-12-01T08:00:00"),
        ("cron(0/15 * * * ? *)", "2026-11-30T17:30:00"),
        ("cron(0/10 * ? * MON-FRI *)", "2026-11-30T17:30:00"),
        ("cron(0/5 8-17 ? * MON-FRI *)", "2026-11-30T17:25:00"),
        ("cron(0 9 ? * 2#1 *)", "2026-12-07T09:00:00"),
        ("cron(0 9 ? * 6L *)", "2026-12-25T09:00:00"),
        ("cron(0 9 L * ? *)", "2026-12-31T09:00:00"),
        ("cron(0 9 LW 1 ? *)", "2027-01-29T09:00:00"),
        ("cron(0 9 1W 8 ? 2027)", "2027-08-02T09:00:00"),
        ("cron(0 0 29 2 ? *)", "2028-02-29T00:00:00"),
        ("cron(0 0 1 1 ? 2190)", "2190-01-01T00:00:00"),
        ("cron(0 0 1 JAN,JUL ? *)", "2027-01-01T00:00:00"),
        ("cron(0 0 ? * SAT-SUN *)", "2026-12-05T00:00:00"),
        ("cron(0 0 30 2 ? *)", None),
        ("cron(0 0 1 1 ? 2020)", None),
    ],
)
def test_what_an_expression_means(schedule: str, expected: str | None) -> None:
    assert due(schedule, NOW) == expected


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("2026-03-28T12:00:00", "2026-03-29T06:00:00"),  # eight o'clock of summer time, which began that night
        ("2026-10-24T12:00:00", "2026-10-25T07:00:00"),
    ],
)
def test_a_clock_has_its_zone(after: str, expected: str) -> None:
    assert due("cron(0 8 * * ? *)", after, "Europe/Berlin") == expected
    assert due("at(2027-07-01T08:00:00)", after, "Europe/Berlin") == "2027-07-01T06:00:00"


@pytest.mark.parametrize(
    "text",
    [
        "", "at()", "at(2026-13-01T00:00:00)", "rate(0 minutes)", "rate(1 minutes)", "rate(2 minute)", "rate(1 week)",
        "cron(0 0 * * * *)", "cron(0 0 ? * ? *)", "cron(60 0 * * ? *)", "cron(0 24 * * ? *)", "cron(0 0 0 * ? *)",
        "cron(0 0 32 * ? *)", "cron(0 0 * 13 ? *)", "cron(0 0 ? * 8 *)", "cron(0 0 ? * MON#6 *)", "cron(* * * * ?)",
        "cron(0 0 * * ? 1969)", "cron(5-1 0 * * ? *)", "cron(0/0 0 * * ? *)", "cron(a 0 * * ? *)",
        "cron(\u0661 0 * * ? *)", "cron(0 0 40W * ? *)", "cron(0,  0 * * ? *)",
    ],
)  # fmt: skip
def test_what_is_no_expression(text: str) -> None:
    with pytest.raises(BadSchedule):
        parse(text)


def test_a_zone_that_is_none() -> None:
    for zone in ("", "Nowhere", "../../etc/passwd", "x" * 1600, "a\0"):
        with pytest.raises(BadSchedule):
            parse("rate(1 day)", zone)


def test_an_action_is_due_within_its_times() -> None:
    start, end = at("2026-12-01T00:00:00"), at("2026-12-01T02:00:00")
    action = ActionRecord("a", "rate(1 hour)", at(NOW), starts_at=start, ends_at=end)
    times = [at(NOW), start, start + 1, end - 1, end]
    assert [next_of(action, time) for time in times] == [start, start + 3600, start + 3600, end, None]
