"""Operators of event patterns: tests of one scalar of an event (a string, number, boolean or null).

Source: EventBridge user guide, "Comparison operators for use in event patterns". Operators on text match strings only.
"""

import ipaddress
import math
from collections.abc import Callable, Sequence
from typing import Any

from statordb.model.wildcards import by_finding

Test = Callable[[Any], bool]
"""Whether a scalar passes."""

_Compare = Callable[[float, float], bool]

_BELOW: dict[str, _Compare] = {"<": lambda value, bound: value < bound, "<=": lambda value, bound: value <= bound}
_ABOVE: dict[str, _Compare] = {">": lambda value, bound: value > bound, ">=": lambda value, bound: value >= bound}
_BITS_MAX = {4: 31, 6: 127}  # of a network; a whole address is written as such


class BadPattern(Exception):
    """A pattern that can't be compiled; args[0] says what is wrong with it."""


def compile(expression: dict[str, Any]) -> Test:
    """The test of an object with one operator. Raises BadPattern."""
    name, operand = _only_member(expression, "Match expression name not found")
    make = _OPERATORS.get(name)
    if make is None:
        raise BadPattern(f"Unrecognized match type {name}")
    return make(operand)


def exactly(values: Sequence[Any]) -> Test:
    """One of the values: strings, numbers (1 is 1.0, but not true), booleans, null."""
    strings = frozenset(value for value in values if isinstance(value, str))
    numbers = frozenset(value for value in values if _is_number(value))
    constants = frozenset(value for value in values if value is None or isinstance(value, bool))

    def test(value: Any) -> bool:
        kind = value.__class__
        if kind is str:
            return value in strings
        return value in numbers if kind is int or kind is float else value in constants

    return test


def either(tests: Sequence[Test]) -> Test:
    """One of the tests passes; never, if there are none."""

    def test(value: Any) -> bool:
        return any(each(value) for each in tests)

    return test


def _exists(operand: Any) -> Test:
    """There is a value: absence never comes to a test."""
    if operand is not True:
        raise BadPattern("exists match pattern must be either true or false.")
    return lambda value: True


def _prefix(operand: Any) -> Test:
    if isinstance(operand, dict):
        folded = _ignoring_case("prefix", operand)
        return lambda value: value.__class__ is str and value.lower().startswith(folded)
    text = _text("prefix", operand)
    return lambda value: value.__class__ is str and value.startswith(text)


def _suffix(operand: Any) -> Test:
    if isinstance(operand, dict):
        folded = _ignoring_case("suffix", operand)
        return lambda value: value.__class__ is str and value.lower().endswith(folded)
    text = _text("suffix", operand)
    return lambda value: value.__class__ is str and value.endswith(text)


def _ignoring_case(name: str, operand: dict[str, Any]) -> str:
    """The text of {"equals-ignore-case": text} inside of another operator, in lower case."""
    inner, value = _only_member(operand, f"{name.capitalize()} expression name not found")
    if inner != "equals-ignore-case":
        raise BadPattern(f"Unsupported {name} pattern: {inner}")
    return _text(inner, value).lower()


def _equals_ignore_case(operand: Any) -> Test:
    folded = _text("equals-ignore-case", operand).lower()
    return lambda value: value.__class__ is str and value.lower() == folded


def _wildcard(operand: Any) -> Test:
    r"""`*` stands for any characters or none, `\*` and `\\` for themselves. Takes linear time for any text."""
    parts = _wildcard_parts(_text("wildcard", operand))
    if len(parts) == 1:
        return lambda value: value.__class__ is str and value == parts[0]
    found = by_finding(parts)
    return lambda value: value.__class__ is str and found(value)


def _wildcard_parts(text: str) -> list[str]:
    """The literal texts between the wildcards."""
    parts = [""]
    at = 0
    while at < len(text):
        character = text[at]
        if character == "*":
            if text[at + 1 : at + 2] == "*":
                raise BadPattern(f"Consecutive wildcard characters at pos {at}")
            parts.append("")
        elif character == "\\":
            at += 1
            if text[at : at + 1] not in ("*", "\\"):
                raise BadPattern(f"Invalid escape character at pos {at - 1}")
            parts[-1] += text[at]
        else:
            parts[-1] += character
        at += 1
    return parts


def _cidr(operand: Any) -> Test:
    """Addresses of a network, of version 4 or 6, written as strings."""
    address, slash, bits = _text("cidr", operand).partition("/")
    if not slash or "/" in bits:
        raise BadPattern("Malformed CIDR, one '/' required")
    if not (bits.isascii() and bits.isdigit()):
        raise BadPattern("Malformed CIDR, mask bits must be a whole number that is not negative")
    try:
        version = ipaddress.ip_address(address).version
    except ValueError:
        raise BadPattern(f"Nonstandard IP address: {address}") from None
    if int(bits) > _BITS_MAX[version]:
        raise BadPattern(f"IPv{version} mask bits must be < {_BITS_MAX[version] + 1}")
    network = ipaddress.ip_network(f"{address}/{bits}", strict=False)

    def test(value: Any) -> bool:
        if value.__class__ is not str:
            return False
        try:
            return ipaddress.ip_address(value) in network
        except ValueError:
            return False

    return test


def _numeric(operand: Any) -> Test:
    """[operator, number], or a lower bound and then an upper one: [">", 0, "<=", 5]."""
    if not isinstance(operand, list):
        raise BadPattern("Value of numeric must be an array.")
    if not operand or not isinstance(operand[0], str):
        raise BadPattern("Invalid member in numeric match")
    operator = operand[0]
    if operator not in ("=", *_BELOW, *_ABOVE):
        raise BadPattern(f"Unrecognized numeric range operator: {operator}")
    bound = _bound(operator, operand[1:2])
    if len(operand) == 2:
        if operator == "=":
            return lambda value: _is_number(value) and value == bound
        compare = (_BELOW | _ABOVE)[operator]
        return lambda value: _is_number(value) and compare(value, bound)
    if operator not in _ABOVE or len(operand) > 4:
        raise BadPattern("Too many elements in numeric expression")
    return _range(_ABOVE[operator], bound, operand[2:])


def _range(is_above: _Compare, bottom: float, operand: list[Any]) -> Test:
    operator = operand[0]
    if not isinstance(operator, str) or operator not in _BELOW:
        raise BadPattern(f"Bad numeric range operator: {operator}")
    is_below, top = _BELOW[operator], _bound(operator, operand[1:])
    if bottom >= top:
        raise BadPattern("Bottom must be less than top")
    return lambda value: _is_number(value) and is_above(value, bottom) and is_below(value, top)


def _bound(operator: str, rest: list[Any]) -> float:
    if not rest or not _is_number(rest[0]) or not math.isfinite(rest[0]):
        raise BadPattern(f"Value of {'equals' if operator == '=' else operator} must be numeric")
    bound: float = rest[0]
    return bound


def _anything_but(operand: Any) -> Test:
    """Any value but those that are excluded: by value, all strings or all numbers, or by an operator on text."""
    if isinstance(operand, dict):
        excluded = _excluded_by_operator(operand)
    else:
        values = operand if isinstance(operand, list) else [operand]
        numbers = sum(map(_is_number, values))
        strings = sum(isinstance(value, str) for value in values)
        if numbers + strings < len(values):
            raise BadPattern("Inside anything but list, only strings and numbers are supported.")
        if bool(numbers) == bool(strings):
            raise BadPattern(
                "Inside anything but list, either all values are number or string, mixed type is not supported"
            )
        excluded = exactly(values)
    return lambda value: not excluded(value)


def _excluded_by_operator(operand: dict[str, Any]) -> Test:
    name, value = _only_member(operand, "Anything-But expression name not found")
    make = _TEXT_OPERATORS.get(name)
    if make is None:
        raise BadPattern(f"Unsupported anything-but pattern: {name}")
    texts = [_text(name, text) for text in (value if isinstance(value, list) else [value])]
    if not texts:
        raise BadPattern("Empty arrays are not allowed")
    if name in ("prefix", "suffix") and "" in texts:
        raise BadPattern("Null prefix/suffix not allowed")
    return either([make(text) for text in texts])


def _only_member(expression: dict[str, Any], missing: str) -> tuple[str, Any]:
    if not expression:
        raise BadPattern(missing)
    if len(expression) > 1:
        raise BadPattern("Only one key allowed in match expression")
    return next(iter(expression.items()))


def _text(name: str, operand: Any) -> str:
    if not isinstance(operand, str):
        raise BadPattern(f"{name} match pattern must be a string")
    return operand


def _is_number(value: Any) -> bool:
    return value.__class__ is int or value.__class__ is float


_TEXT_OPERATORS: dict[str, Callable[[Any], Test]] = {
    "equals-ignore-case": _equals_ignore_case,
    "prefix": _prefix,
    "suffix": _suffix,
    "wildcard": _wildcard,
}
_OPERATORS: dict[str, Callable[[Any], Test]] = {
    **_TEXT_OPERATORS,
    "anything-but": _anything_but,
    "cidr": _cidr,
    "exists": _exists,
    "numeric": _numeric,
}
