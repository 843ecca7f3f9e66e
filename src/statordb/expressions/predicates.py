"""Conditions compiled to closures over (item, values, budget) -> bool.

A missing attribute, or values of different types, make a comparison false and `<>` true, never an error. What walks
documents or long texts spends of the budget first, so that any closure raises what `Budget.spend` does.
Source: developer guide, "Condition and filter expressions, operators, and functions".
"""

import operator
from base64 import b64decode
from collections.abc import Callable, Hashable
from typing import Any

from statordb.expressions.identity import distinct, pair, repeated
from statordb.expressions.operands import Names, Values, compile_operand
from statordb.expressions.paths import Item, Reader
from statordb.expressions.syntax import And, Between, Comparison, ConditionNode, In, Not, Operand, Or, ValueReference
from statordb.model import numbers
from statordb.model.budget import Budget
from statordb.model.equality import SCALARS, contains, equal, searched
from statordb.model.values import binary_size

Test = Callable[[Item, Values, Budget], bool]


def compile_condition(node: ConditionNode, names: Names) -> Test:
    """The closure of a checked condition."""
    node = distinct(node, names)
    numbered = repeated(node, names)
    test = _Compiler(names, numbered).condition(node)
    return (lambda item, values, budget: test(item, values, _Answers(budget))) if numbered else test


class _Answers(Budget):
    """The budget of one evaluation, with the answers of comparisons that its tree makes more than once."""

    __slots__ = ("_budget", "known")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.known: dict[int, bool] = {}

    def spend(self, units: int) -> None:
        self._budget.spend(units)


class _Compiler:
    """Compiles one tree. `numbered`: the pairs of operands that are compared more than once."""

    def __init__(self, names: Names, numbered: dict[Hashable, int]) -> None:
        self._names = names
        self._numbered = numbered

    def condition(self, node: ConditionNode) -> Test:
        if isinstance(node, And):
            return _all([self.condition(condition) for condition in node.conditions])
        if isinstance(node, Or):
            return _any([self.condition(condition) for condition in node.conditions])
        if isinstance(node, Not):
            return _not(self.condition(node.condition))
        if isinstance(node, Comparison):
            if node.operator == "=":
                return self._same(node.left, node.right)
            if node.operator == "<>":
                return _not(self._same(node.left, node.right))
            return _ordered(self._read(node.left), self._read(node.right), _ORDERS[node.operator])
        if isinstance(node, Between):
            read = self._read(node.operand)
            low, high = self._read(node.low), self._read(node.high)
            return _all([_ordered(read, low, operator.ge), _ordered(read, high, operator.le)])
        if isinstance(node, In):
            return self._in(node)
        return _FUNCTIONS[node.function](*[self._read(each) for each in node.operands])

    def _read(self, operand: Operand) -> Reader:
        return compile_operand(operand, self._names)

    def _number(self, left: Operand, right: Operand) -> int | None:
        return self._numbered.get(pair(left, right, self._names)) if self._numbered else None

    def _same(self, left: Operand, right: Operand) -> Test:
        number = self._number(left, right)
        if number is not None:
            return _equal_once(self._read(left), self._read(right), number)
        return _equal(self._read(left), self._read(right))

    def _in(self, node: In) -> Test:
        candidates = node.candidates
        if any(self._number(node.operand, candidate) is not None for candidate in candidates):
            return _any([self._same(node.operand, candidate) for candidate in candidates])
        given = [candidate.text for candidate in candidates if isinstance(candidate, ValueReference)]
        if len(given) == len(candidates):
            return _in_values(self._read(node.operand), given)
        return _in(self._read(node.operand), [self._read(candidate) for candidate in candidates])


def _not(test: Test) -> Test:
    return lambda item, values, budget: not test(item, values, budget)


def _all(tests: list[Test]) -> Test:
    if len(tests) == 2:
        first, second = tests
        return lambda item, values, budget: first(item, values, budget) and second(item, values, budget)

    def run(item: Item, values: Values, budget: Budget) -> bool:
        for test in tests:  # noqa: SIM110 (a generator would cost a frame more at each level)
            if not test(item, values, budget):
                return False
        return True

    return run


def _any(tests: list[Test]) -> Test:
    def run(item: Item, values: Values, budget: Budget) -> bool:
        for test in tests:  # noqa: SIM110
            if test(item, values, budget):
                return True
        return False

    return run


def _equal(left: Reader, right: Reader) -> Test:
    def run(item: Item, values: Values, budget: Budget) -> bool:
        one = left(item, values)
        if one is None:
            return False
        two = right(item, values)
        if two is None:
            return False
        for tag in one:
            if tag in SCALARS:
                return one == two
        return equal(one, two, budget)

    return run


def _equal_once(left: Reader, right: Reader, number: int) -> Test:
    def run(item: Item, values: Values, budget: Budget) -> bool:
        assert isinstance(budget, _Answers)
        known = budget.known.get(number)
        if known is None:
            one, two = left(item, values), right(item, values)
            known = one is not None and two is not None and equal(one, two, budget)
            budget.known[number] = known
        return known

    return run


_ORDERS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def _ordered(left: Reader, right: Reader, holds: Callable[[Any, Any], bool]) -> Test:
    def run(item: Item, values: Values, budget: Budget) -> bool:
        one = left(item, values)
        two = right(item, values)
        if one is None or two is None:
            return False
        for tag, content in one.items():
            other = two.get(tag)
            if other is None:
                return False
            if tag == "S":
                return holds(content, other)  # code point order is UTF-8's order
            if tag == "N":
                return holds(numbers.compare(content, other), 0)
            if tag == "B":
                return holds(b64decode(searched(content, budget)), b64decode(searched(other, budget)))
        return False

    return run


def _in(operand: Reader, candidates: list[Reader]) -> Test:
    def run(item: Item, values: Values, budget: Budget) -> bool:
        value = operand(item, values)
        if value is None:
            return False
        for candidate in candidates:
            other = candidate(item, values)
            if other is not None and equal(value, other, budget):
                return True
        return False

    return run


def _in_values(operand: Reader, references: list[str]) -> Test:
    def run(item: Item, values: Values, budget: Budget) -> bool:
        value = operand(item, values)
        if value is None:
            return False
        if SCALARS.isdisjoint(value):
            return any(equal(value, values[reference], budget) for reference in references)
        for reference in references:  # noqa: SIM110
            if values[reference] == value:
                return True
        return False

    return run


def _exists(operand: Reader) -> Test:
    return lambda item, values, budget: operand(item, values) is not None


def _not_exists(operand: Reader) -> Test:
    return lambda item, values, budget: operand(item, values) is None


def _is_of_type(operand: Reader, type_name: Reader) -> Test:
    def run(item: Item, values: Values, budget: Budget) -> bool:
        value, name = operand(item, values), type_name(item, values)
        return value is not None and name is not None and name["S"] in value

    return run


def _begins_with(operand: Reader, prefix: Reader) -> Test:
    def run(item: Item, values: Values, budget: Budget) -> bool:
        value, start = operand(item, values), prefix(item, values)
        if value is None or start is None:
            return False
        if "S" in value:
            return "S" in start and value["S"].startswith(start["S"])
        return "B" in value and "B" in start and _has_prefix(value["B"], searched(start["B"], budget))

    return run


def _has_prefix(binary: str, start: str) -> bool:
    """Of two base64 texts: of the first no more is unpacked than the second can be compared with."""
    if binary_size(start) > binary_size(binary):
        return False
    return b64decode(binary[: len(start)]).startswith(b64decode(start))


def _contains(operand: Reader, part: Reader) -> Test:
    def run(item: Item, values: Values, budget: Budget) -> bool:
        value, sought = operand(item, values), part(item, values)
        return value is not None and sought is not None and contains(value, sought, budget)

    return run


_FUNCTIONS: dict[str, Callable[..., Test]] = {
    "attribute_exists": _exists,
    "attribute_not_exists": _not_exists,
    "attribute_type": _is_of_type,
    "begins_with": _begins_with,
    "contains": _contains,
}
