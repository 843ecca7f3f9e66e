"""Metric math: expressions over series of datapoints. CloudWatch user guide, "Using math expressions with metrics".

What is there: numbers, ids, + - * / and ^, ABS, CEIL, FLOOR, AVG, MAX, MIN, SUM, FILL, METRICS, PERIOD, RATE. A value
is a number, a series or a list of series; of two series the moments count that both have. Pure.
"""

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

DEPTH_MAX = 24  # of expressions within expressions
_TOKEN = re.compile(
    r"\s*(?:([0-9]+(?:\.[0-9]+)?|\.[0-9]+)|([A-Za-z][A-Za-z0-9_]*)|(\"[^\"]{0,255}\"|'[^']{0,255}')|(.))"
)
_FIRST, _SECOND, _POWER = {"+", "-"}, {"*", "/"}, "^"
_REPEAT, _LINEAR = "REPEAT", "LINEAR"

Points = Mapping[float, float]
"""Values by the beginning of their period, in seconds since the epoch."""


class Series(NamedTuple):
    """`period`: in seconds. `of`: the id of the metric that it is."""

    points: Points
    period: int
    of: str = ""


Value = float | Series | list[Series]


class BadExpression(Exception):
    """args[0] is a sentence that says why."""


class Scope(NamedTuple):
    """What an expression may name: `values` by id; `metrics`: those that are no expressions, in their order; `moments`:
    the beginnings of all periods."""

    values: Mapping[str, Value]
    metrics: Sequence[Series]
    moments: Sequence[float] | range


def evaluate(text: str, scope: Scope) -> Value:
    """What an expression comes to. Raises BadExpression."""
    parser = _Parser(_tokens(text), scope)
    value = parser.sum(0)
    if parser.at < len(parser.tokens):
        raise BadExpression(f"unexpected {parser.tokens[parser.at][:32]}")
    return value


def names(text: str) -> list[str]:
    """The ids that an expression names."""
    return [token for token in _tokens(text) if token[0].islower()]


def _tokens(text: str) -> list[str]:
    found = []
    for number, name, quoted, sign in _TOKEN.findall(text):
        token = number or name or quoted or sign
        if token.strip():
            found.append(token)
    return found


class _Parser:
    """Evaluates while it reads: an expression is evaluated once."""

    def __init__(self, tokens: Sequence[str], scope: Scope) -> None:
        self.tokens = tokens
        self.scope = scope
        self.at = 0

    def _peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def _take(self, wanted: str | None = None) -> str:
        token = self._peek()
        if not token or (wanted is not None and token != wanted):
            raise BadExpression(f"{wanted or 'a value'} was expected" + (f", not {token[:32]}" if token else ""))
        self.at += 1
        return token

    def sum(self, depth: int) -> Value:
        if depth > DEPTH_MAX:
            raise BadExpression("it is nested too deeply")
        value = self._product(depth)
        while self._peek() in _FIRST:
            sign = self._take()
            value = _both(operator.add if sign == "+" else operator.sub, value, self._product(depth))
        return value

    def _product(self, depth: int) -> Value:
        value = self._power(depth)
        while self._peek() in _SECOND:
            sign = self._take()
            value = _both(operator.mul if sign == "*" else operator.truediv, value, self._power(depth))
        return value

    def _power(self, depth: int) -> Value:
        if self._peek() == "-":
            self._take()
            return _each(operator.neg, self._power(depth + 1)) if depth < DEPTH_MAX else self.sum(depth + 1)
        value = self._one(depth)
        if self._peek() == _POWER:
            self._take()
            value = _both(operator.pow, value, self._power(depth + 1) if depth < DEPTH_MAX else self.sum(depth + 1))
        return value

    def _one(self, depth: int) -> Value:
        token = self._take()
        if token == "(":
            value = self.sum(depth + 1)
            self._take(")")
            return value
        if token == "[":
            return self._list(depth)
        if token[0].isdigit() or token[0] == ".":
            return float(token)
        if token[0].islower():
            if token not in self.scope.values:
                raise BadExpression(f"{token[:64]} is no id of a query")
            return self.scope.values[token]
        if token[0].isalpha() and self._peek() == "(":
            return self._call(token, depth)
        raise BadExpression(f"{token[:64]} is not supported")

    def _list(self, depth: int) -> list[Series]:
        found: list[Series] = []
        while True:
            value = self.sum(depth + 1)
            if isinstance(value, float):
                raise BadExpression("a list has series for elements")
            found += value if isinstance(value, list) else [value]
            if self._peek() != ",":
                self._take("]")
                return found
            self._take()

    def _call(self, name: str, depth: int) -> Value:
        self._take("(")
        if name == "METRICS":
            return self._metrics()
        function, word = _FUNCTIONS.get(name), ""
        if function is None and name != "FILL":
            raise BadExpression(f"the function {name[:32]} is not supported")
        value = self.sum(depth + 1)
        filling: Value = 0.0
        if name == "FILL":
            self._take(",")
            word = self._take() if self._peek() in (_REPEAT, _LINEAR) else ""
            filling = 0.0 if word else self.sum(depth + 1)
        self._take(")")
        if function is not None:
            return function(value)
        return _filled(value, filling, word, self.scope.moments)

    def _metrics(self) -> list[Series]:
        wanted = ""
        if self._peek() != ")":
            wanted = self._take()[1:-1]
        self._take(")")
        return [series for series in self.scope.metrics if wanted in series.of]


def _each(function: Callable[[float], float], value: Value) -> Value:
    if isinstance(value, list):
        return [_of_series(function, series) for series in value]
    if isinstance(value, Series):
        return _of_series(function, value)
    return _finite(function, value) or 0.0


def _of_series(function: Callable[[float], float], series: Series) -> Series:
    told = {at: _finite(function, value) for at, value in series.points.items()}
    return series._replace(points={at: value for at, value in told.items() if value is not None})


def _both(function: Callable[[float, float], float], left: Value, right: Value) -> Value:
    if isinstance(left, list):
        return [_pair(function, series, right) for series in left]
    if isinstance(right, list):
        return [_pair(function, left, series) for series in right]
    if isinstance(left, Series) or isinstance(right, Series):
        return _pair(function, left, right)
    value = _finite(function, left, right)
    if value is None:
        raise BadExpression("it comes to no number")
    return value


def _pair(function: Callable[[float, float], float], left: Value, right: Value) -> Series:
    if isinstance(left, list) or isinstance(right, list):
        raise BadExpression("two lists can't be taken together")
    if not isinstance(left, Series):
        assert isinstance(right, Series), "one of them is"
        return _of_series(lambda value: function(left, value), right)
    if not isinstance(right, Series):
        return _of_series(lambda value: function(value, right), left)
    told = {at: _finite(function, value, right.points[at]) for at, value in left.points.items() if at in right.points}
    return left._replace(points={at: value for at, value in told.items() if value is not None})


def _finite(function: Callable[..., float], *values: float) -> float | None:
    """None for what is no number: such a datapoint is left out."""
    try:
        value = function(*values)
    except (ArithmeticError, ValueError):
        return None
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _folded(fold: Callable[[Sequence[float]], float]) -> Callable[[Value], Value]:
    """Of a list of series a series, of a series a number."""

    def function(value: Value) -> Value:
        if isinstance(value, list):
            gathered: dict[float, list[float]] = {}
            for series in value:
                for at, each in series.points.items():
                    gathered.setdefault(at, []).append(each)
            period = max((series.period for series in value), default=0)
            return Series({at: float(fold(each)) for at, each in sorted(gathered.items())}, period)
        if isinstance(value, Series):
            return float(fold(list(value.points.values()))) if value.points else 0.0
        return value

    return function


def _period(value: Value) -> Value:
    if not isinstance(value, Series):
        raise BadExpression("PERIOD is of one metric")
    return float(value.period)


def _rate(value: Value) -> Value:
    if isinstance(value, list):
        return [_rate_of(series) for series in value]
    if not isinstance(value, Series):
        raise BadExpression("RATE is of metrics")
    return _rate_of(value)


def _rate_of(series: Series) -> Series:
    told = sorted(series.points.items())
    rates = {at: (value - before) / (at - since) for (since, before), (at, value) in pairwise(told)}
    return series._replace(points=rates)


def _filled(value: Value, filling: Value, word: str, moments: Sequence[float]) -> Value:
    if isinstance(value, list):
        return [_fill(series, filling, word, moments) for series in value]
    if not isinstance(value, Series):
        raise BadExpression("FILL is of metrics")
    return _fill(value, filling, word, moments)


def _fill(series: Series, filling: Value, word: str, moments: Sequence[float]) -> Series:
    if word == _LINEAR:
        raise BadExpression("FILL with LINEAR is not supported")
    points: dict[float, float] = {}
    last: float | None = None
    for at in moments:
        last_known = series.points.get(at)
        if last_known is not None:
            points[at] = last = last_known
        elif word == _REPEAT:
            if last is not None:
                points[at] = last
        elif isinstance(filling, Series):
            if at in filling.points:
                points[at] = filling.points[at]
        elif isinstance(filling, float):
            points[at] = filling
        else:
            raise BadExpression("FILL is with a number, a series or REPEAT")
    return series._replace(points=points)


_FUNCTIONS: Mapping[str, Callable[[Value], Value]] = {
    "ABS": lambda value: _each(abs, value),
    "AVG": _folded(lambda values: sum(values) / len(values)),
    "CEIL": lambda value: _each(math.ceil, value),
    "FLOOR": lambda value: _each(math.floor, value),
    "MAX": _folded(max),
    "MIN": _folded(min),
    "PERIOD": _period,
    "RATE": _rate,
    "SUM": _folded(sum),
}
