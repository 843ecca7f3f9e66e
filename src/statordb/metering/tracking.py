"""Target tracking: what the load of the last minutes asks of a capacity. Pure.

Out after 2 minutes in which more than the target was used, in after 15 in which it was a good deal less; a new capacity
is what makes the load be the target's share of it. Source: DynamoDB developer guide, "Managing throughput capacity
automatically with DynamoDB auto scaling"; the lower threshold, 20 points below the target, is that of the alarms that
are seen on AWS for a target of 70.
"""

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

from statordb.metering.alarm import ALARM, IGNORE, Point, Rule, Verdict, evaluate

HIGH_MINUTES, LOW_MINUTES = 2, 15
POINTS_BELOW = 20.0
SHARE_BELOW = 0.5  # of targets that are too low for that
MINUTE_SECONDS = 60
_EXACT = 1e-9  # that units a second are rounded by before they are rounded up

OUT, IN = "out", "in"


class Rules(NamedTuple):
    """When there is an alarm, of units in a minute."""

    high: Rule
    low: Rule


class Findings(NamedTuple):
    """`way`: OUT or IN, None where nothing is to be changed; `wanted`: units a second, without bounds."""

    high: Verdict
    low: Verdict
    way: str | None
    wanted: int


def rules(percent: float, provisioned: int) -> Rules:
    """The rules of a target, in percent of what is provisioned (units a second)."""
    low = percent - POINTS_BELOW if percent > 2 * POINTS_BELOW else percent * SHARE_BELOW
    return Rules(
        Rule("GreaterThanThreshold", threshold(percent, provisioned), HIGH_MINUTES, HIGH_MINUTES, IGNORE),
        Rule("LessThanThreshold", threshold(low, provisioned), LOW_MINUTES, LOW_MINUTES, IGNORE),
    )


def threshold(percent: float, provisioned: int) -> float:
    """Units in a minute that are so many percent of units a second."""
    return round(percent * provisioned * MINUTE_SECONDS / 100, 6)


def find(percent: float, provisioned: int, points: Sequence[Point]) -> Findings:
    """`points`: units in each of the last minutes, oldest first; fewer where a table has not been there for longer."""
    by = rules(percent, provisioned)
    high, low = evaluate(by.high, points), evaluate(by.low, points)
    if high.state == ALARM:
        return Findings(high, low, OUT, _wanted(percent, high.counted))
    if low.state == ALARM:
        return Findings(high, low, IN, _wanted(percent, low.counted))
    return Findings(high, low, None, 0)


def _wanted(percent: float, points: Sequence[Point]) -> int:
    """The capacity of which the highest of some minutes is the target's share."""
    highest = max(point.value or 0.0 for point in points)
    return max(1, ceil(highest * 100 / percent / MINUTE_SECONDS - _EXACT))
