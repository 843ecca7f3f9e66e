"""Conditions compiled to closures over (item, values) -> bool.

A missing attribute, or values of different types, make a comparison false and `<>` true, never an error.
Source: developer guide, "Condition and filter expressions, operators, and functions".
"""

from base64 import b64decode
from collections.abc import Callable

from statordb.expressions.conditions import ORDERED_TYPES
from statordb.expressions.operands import Names, Values, compile_operand
from statordb.expressions.paths import Item, Reader, Value
from statordb.expressions.syntax import And, Between, Comparison, ConditionNode, In, Not, Or
from statordb.model.values import compare, equal

Test = Callable[[Item, Values], bool]


def compile_condition(node: ConditionNode, names: Names) -> Test:
    if isinstance(node, And):
        return _all([compile_condition(condition, names) for condition in node.conditions])
    if isinstance(node, Or):
        return _any([compile_condition(condition, names) for condition in node.conditions])
    if isinstance(node, Not):
        inner = compile_condition(node.condition, names)
        return lambda item, values: not inner(item, values)
    if isinstance(node, Comparison):
        left, right = compile_operand(node.left, names), compile_operand(node.right, names)
        if node.operator == "=":
            return _equal(left, right)
        if node.operator == "<>":
            same = _equal(left, right)
            return lambda item, values: not same(item, values)
        return _ordered(left, right, _SIGNS[node.operator])
    if isinstance(node, Between):
        operand = compile_operand(node.operand, names)
        low, high = compile_operand(node.low, names), compile_operand(node.high, names)
        return _all([_ordered(operand, low, _SIGNS[">="]), _ordered(operand, high, _SIGNS["<="])])
    if isinstance(node, In):
        return _in(compile_operand(node.operand, names), [compile_operand(each, names) for each in node.candidates])
    return _FUNCTIONS[node.function](*[compile_operand(operand, names) for operand in node.operands])


def _all(tests: list[Test]) -> Test:
    if len(tests) == 2:
        first, second = tests
        return lambda item, values: first(item, values) and second(item, values)

    def run(item: Item, values: Values) -> bool:
        for test in tests:  # noqa: SIM110 (a generator would cost a frame more at each level)
            if not test(item, values):
                return False
        return True

    return run


def _any(tests: list[Test]) -> Test:
    def run(item: Item, values: Values) -> bool:
        for test in tests:  # noqa: SIM110
            if test(item, values):
                return True
        return False

    return run


def _equal(left: Reader, right: Reader) -> Test:
    def run(item: Item, values: Values) -> bool:
        one = left(item, values)
        if one is None:
            return False
        two = right(item, values)
        return two is not None and equal(one, two)

    return run


_SIGNS = {"<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (1, 0)}  # what compare() gives where the comparison holds


def _ordered(left: Reader, right: Reader, signs: tuple[int, ...]) -> Test:
    def run(item: Item, values: Values) -> bool:
        one = left(item, values)
        two = right(item, values)
        if one is None or two is None:
            return False
        for type_ in one:
            return type_ in two and type_ in ORDERED_TYPES and compare(one, two) in signs
        return False

    return run


def _in(operand: Reader, candidates: list[Reader]) -> Test:
    def run(item: Item, values: Values) -> bool:
        value = operand(item, values)
        if value is None:
            return False
        for candidate in candidates:
            other = candidate(item, values)
            if other is not None and equal(value, other):
                return True
        return False

    return run


def _exists(operand: Reader) -> Test:
    return lambda item, values: operand(item, values) is not None


def _not_exists(operand: Reader) -> Test:
    return lambda item, values: operand(item, values) is None


def _is_of_type(operand: Reader, type_name: Reader) -> Test:
    def run(item: Item, values: Values) -> bool:
        value, name = operand(item, values), type_name(item, values)
        return value is not None and name is not None and name["S"] in value

    return run


def _begins_with(operand: Reader, prefix: Reader) -> Test:
    def run(item: Item, values: Values) -> bool:
        value, start = operand(item, values), prefix(item, values)
        if value is None or start is None:
            return False
        if "S" in value:
            return "S" in start and value["S"].startswith(start["S"])
        return "B" in value and "B" in start and b64decode(value["B"]).startswith(b64decode(start["B"]))

    return run


def contains(value: Value, sought: Value) -> bool:
    """A substring of a string, a part of a binary, a member of a set, an element of a list."""
    for type_, content in value.items():
        if type_ == "S":
            return "S" in sought and sought["S"] in content
        if type_ == "B":
            return "B" in sought and b64decode(sought["B"]) in b64decode(content)
        if type_ == "L":
            return any(equal(element, sought) for element in content)
        if type_ in ("SS", "NS", "BS"):
            return type_[0] in sought and sought[type_[0]] in content
    return False


def _contains(operand: Reader, part: Reader) -> Test:
    def run(item: Item, values: Values) -> bool:
        value, sought = operand(item, values), part(item, values)
        return value is not None and sought is not None and contains(value, sought)

    return run


_FUNCTIONS: dict[str, Callable[..., Test]] = {
    "attribute_exists": _exists,
    "attribute_not_exists": _not_exists,
    "attribute_type": _is_of_type,
    "begins_with": _begins_with,
    "contains": _contains,
}
