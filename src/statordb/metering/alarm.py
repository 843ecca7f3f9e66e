"""What an alarm comes to by the datapoints of its metric. Pure.

M of the last N periods decide. Where datapoints are missing, a few periods more are looked at: if they give N
datapoints these decide, else what is missing counts as the alarm says. Source: CloudWatch user guide, "Configuring how
CloudWatch alarms treat missing data", whose tables the tests have.
"""

import operator
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

OK, ALARM, INSUFFICIENT_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"
MISSING, IGNORE, BREACHING, NOT_BREACHING = "missing", "ignore", "breaching", "notBreaching"
"""How datapoints that are missing count."""
TREATMENTS = (MISSING, IGNORE, BREACHING, NOT_BREACHING)
SPARE_PERIODS = 2  # that are looked at beyond N
TOLD_MAX = 10  # datapoints that a reason tells


class _Comparison(NamedTuple):
    breaches: Callable[[float, float], bool]
    words: str


COMPARISONS: Mapping[str, _Comparison] = {
    "GreaterThanOrEqualToThreshold": _Comparison(operator.ge, "greater than or equal to"),
    "GreaterThanThreshold": _Comparison(operator.gt, "greater than"),
    "LessThanThreshold": _Comparison(operator.lt, "less than"),
    "LessThanOrEqualToThreshold": _Comparison(operator.le, "less than or equal to"),
}


class Point(NamedTuple):
    """A datapoint: when its period began (seconds since the epoch), and its value; None where it is missing."""

    at: float
    value: float | None


class Rule(NamedTuple):
    """When there is an alarm: `enough` of the last `periods` datapoints compare so with the threshold."""

    comparison: str
    threshold: float
    periods: int
    enough: int
    missing: str = MISSING

    @property
    def looked_at(self) -> int:
        """Of how many periods `evaluate` wants datapoints."""
        return self.periods + SPARE_PERIODS

    def breaches(self, point: Point) -> bool:
        return point.value is not None and COMPARISONS[self.comparison].breaches(point.value, self.threshold)


class Verdict(NamedTuple):
    """`state`: what the alarm is now; None: what it was before. `counted`: the datapoints that decided, oldest first;
    `breaching`: how many of them breach; `filled`: how many were missing."""

    state: str | None
    counted: Sequence[Point]
    breaching: int
    filled: int


def evaluate(rule: Rule, points: Sequence[Point]) -> Verdict:
    """`points`: one for each of the last periods, oldest first."""
    counted = [point for point in points if point.value is not None][-rule.periods :]
    breaching = sum(map(rule.breaches, counted))
    filled = rule.periods - len(counted)
    return Verdict(_state(rule, len(counted), breaching, filled), counted, breaching, filled)


def _state(rule: Rule, counted: int, breaching: int, filled: int) -> str | None:
    if rule.missing == BREACHING:
        return ALARM if breaching + filled >= rule.enough else OK
    if breaching >= rule.enough:
        return ALARM
    if rule.missing == NOT_BREACHING or counted > breaching:
        return OK
    if rule.missing == IGNORE:
        return None
    return ALARM if counted else INSUFFICIENT_DATA


def reason(rule: Rule, verdict: Verdict, before: str) -> str:
    """Why the state is another one than before, in CloudWatch's words."""
    periods = _counted(rule.periods, "period")
    if not verdict.counted:
        if verdict.state == INSUFFICIENT_DATA:
            return f"Insufficient Data: {_counted(rule.periods, 'datapoint')} {_were(rule.periods)} unknown."
        treated = "Breaching" if rule.missing == BREACHING else "NonBreaching"
        missing = f"{_counted(rule.periods, 'missing datapoint')} {_were(rule.periods)} treated as [{treated}]"
        return f"Threshold Crossed: no datapoints were received for {periods} and {missing}."
    is_alarm = verdict.state == ALARM
    told = [point for point in verdict.counted if rule.breaches(point) == is_alarm] or verdict.counted
    shown = ", ".join(f"{float(point.value or 0.0)} ({_moment(point.at)})" for point in told[-TOLD_MAX:])
    needed = rule.enough if is_alarm else max(rule.periods - rule.enough + 1, 1)
    change = f"{before} -> {verdict.state} transition"
    return (
        f"Threshold Crossed: {len(told)} out of the last {_counted(len(verdict.counted), 'datapoint')} [{shown}] "
        f"{_were(len(told))} {'' if is_alarm else 'not '}{COMPARISONS[rule.comparison].words} the threshold "
        f"({float(rule.threshold)}) (minimum {_counted(needed, 'datapoint')} for {change})."
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def _moment(at: float) -> str:
    return time.strftime("%d/%m/%y %H:%M:%S", time.gmtime(at))
