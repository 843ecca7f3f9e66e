"""Metric math, and how much of it there may be."""

import pytest

from statordb.metering import metric_math
from statordb.metering.metric_math import BadExpression, Scope, Series

A = Series({0: 1.0, 60: 2.0, 120: 4.0}, 60, "a")
B = Series({0: 10.0, 120: 0.0}, 60, "b")
SCOPE = Scope({"a": A, "b": B, "e": 7.0}, [A, B], range(0, 180, 60))


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("a + 1", {0: 2.0, 60: 3.0, 120: 5.0}),
        ("-a * 2", {0: -2.0, 60: -4.0, 120: -8.0}),
        ("2 ^ a", {0: 2.0, 60: 4.0, 120: 16.0}),
        ("a + b * 2", {0: 21.0, 120: 4.0}),
        ("(a + b) * 2", {0: 22.0, 120: 8.0}),
        ("a / b", {0: 0.1}),  # nothing can be divided by zero: there is no datapoint
        ("SUM([a, b])", {0: 11.0, 60: 2.0, 120: 4.0}),
        ("AVG(METRICS())", {0: 5.5, 60: 2.0, 120: 2.0}),
        ("MAX(METRICS('b'))", {0: 10.0, 120: 0.0}),
        ("FILL(b, 3)", {0: 10.0, 60: 3.0, 120: 0.0}),
        ("FILL(b, REPEAT)", {0: 10.0, 60: 10.0, 120: 0.0}),
        ("RATE(a) * PERIOD(a)", {60: 1.0, 120: 2.0}),
        ("CEIL(a / 3) - FLOOR(a / 3)", {0: 1.0, 60: 1.0, 120: 1.0}),
    ],
)
def test_series(text: str, points: dict[float, float]) -> None:
    value = metric_math.evaluate(text, SCOPE)
    assert isinstance(value, Series)
    assert dict(value.points) == pytest.approx(points)


@pytest.mark.parametrize(
    ("text", "value"), [("1 + 2 * 3", 7.0), ("MAX(a)", 4.0), ("SUM(a) / e", 1.0), ("ABS(-2)", 2.0)]
)
def test_numbers(text: str, value: float) -> None:
    assert metric_math.evaluate(text, SCOPE) == value


@pytest.mark.parametrize(
    "text",
    ["", "a +", "a b", "nothing", "IF(a, 1, 2)", "(a", "[a, 1]", "1 / 0", "9 ^ 9 ^ 9", "(" * 500, "-" * 500 + "1",
     "2^" * 500 + "1", "FILL(a)", "FILL(a, LINEAR)", "PERIOD(1)", "METRICS() + METRICS()", "[" * 90 + "a",
     "'x'", "\u00fc"],
)  # fmt: skip
def test_what_is_no_expression(text: str) -> None:
    with pytest.raises(BadExpression):
        metric_math.evaluate(text, SCOPE)
