"""Alarms by their datapoints: the tables of the CloudWatch user guide, "Configuring how CloudWatch alarms treat missing
data"; 0 is a datapoint that does not breach, X one that does, - one that is missing, the oldest first."""

import pytest

from statordb.metering.alarm import (
    ALARM,
    BREACHING,
    IGNORE,
    INSUFFICIENT_DATA,
    MISSING,
    NOT_BREACHING,
    OK,
    Point,
    Rule,
    evaluate,
    reason,
)

KEPT = None
VALUES = {"0": 0.0, "X": 9.0, "-": None}


def points(text: str) -> list[Point]:
    return [Point(1_700_000_040.0 + 60 * place, VALUES[sign]) for place, sign in enumerate(text)]


def rule(enough: int, missing: str = MISSING, periods: int = 3) -> Rule:
    return Rule("GreaterThanThreshold", 5.0, periods, enough, missing)


@pytest.mark.parametrize(
    ("enough", "text", "missing", "ignored", "breaching", "not_breaching"),
    [
        (3, "0-X-X", OK, OK, OK, OK),
        (3, "----0", OK, OK, OK, OK),
        (3, "-----", INSUFFICIENT_DATA, KEPT, ALARM, OK),
        (3, "0XX-X", ALARM, ALARM, ALARM, ALARM),
        (3, "--X--", ALARM, KEPT, ALARM, OK),
        (2, "0-X-X", ALARM, ALARM, ALARM, ALARM),
        (2, "00X0X", ALARM, ALARM, ALARM, ALARM),
        (2, "0-X--", OK, OK, ALARM, OK),
        (2, "----0", OK, OK, ALARM, OK),
        (2, "---X-", ALARM, KEPT, ALARM, OK),
    ],
)
def test_what_is_missing_counts_as_the_alarm_says(
    enough: int, text: str, missing: str | None, ignored: str | None, breaching: str | None, not_breaching: str | None
) -> None:
    found = [
        evaluate(rule(enough, treated), points(text)).state for treated in (MISSING, IGNORE, BREACHING, NOT_BREACHING)
    ]
    assert found == [missing, ignored, breaching, not_breaching]


@pytest.mark.parametrize(
    ("comparison", "at_threshold"),
    [
        ("GreaterThanOrEqualToThreshold", ALARM),
        ("GreaterThanThreshold", OK),
        ("LessThanThreshold", OK),
        ("LessThanOrEqualToThreshold", ALARM),
    ],
)
def test_a_value_at_the_threshold(comparison: str, at_threshold: str) -> None:
    assert evaluate(Rule(comparison, 5.0, 1, 1), [Point(0.0, 5.0)]).state == at_threshold


def test_the_newest_datapoints_decide() -> None:
    assert evaluate(rule(2), points("XX000")).state == OK


@pytest.mark.parametrize(
    ("enough", "text", "treated", "told"),
    [
        (
            1,
            "00X",
            MISSING,
            "Threshold Crossed: 1 out of the last 3 datapoints [9.0 (14/11/23 22:16:00)] was greater than the "
            "threshold (5.0) (minimum 1 datapoint for OK -> ALARM transition).",
        ),
        (
            2,
            "X00",
            MISSING,
            "Threshold Crossed: 2 out of the last 3 datapoints [0.0 (14/11/23 22:15:00), 0.0 (14/11/23 22:16:00)] were "
            "not greater than the threshold (5.0) (minimum 2 datapoints for OK -> OK transition).",
        ),
        (3, "---", MISSING, "Insufficient Data: 3 datapoints were unknown."),
        (
            3,
            "---",
            BREACHING,
            "Threshold Crossed: no datapoints were received for 3 periods and 3 missing datapoints were treated as "
            "[Breaching].",
        ),
    ],
)
def test_why_is_told_in_cloudwatchs_words(enough: int, text: str, treated: str, told: str) -> None:
    asked = rule(enough, treated)
    assert reason(asked, evaluate(asked, points(text)), OK) == told
