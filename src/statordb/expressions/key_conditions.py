"""Key conditions: a condition's tree taken apart into one condition for each key attribute.

Source: developer guide, "Key condition expressions for the Query operation".
"""

from typing import NamedTuple

from statordb.expressions.conditions import operands_of
from statordb.expressions.operands import Names
from statordb.expressions.paths import resolve
from statordb.expressions.syntax import And, Between, Call, Comparison, ConditionNode, In, Not, Or, Path, ValueReference
from statordb.model.errors import validation

_OPERATORS = {"=": "EQ", "<": "LT", "<=": "LE", ">": "GT", ">=": "GE"}
_MIRRORED = {"=": "EQ", "<": "GT", "<=": "GE", ">": "LT", ">=": "LE"}  # with the attribute on the right


class KeyTest(NamedTuple):
    """One attribute's condition; `values` are references into ExpressionAttributeValues."""

    attribute: str
    operator: str  # EQ LT LE GT GE BETWEEN BEGINS_WITH
    values: tuple[str, ...]


def key_tests(node: ConditionNode, names: Names) -> list[KeyTest]:
    """The conditions in order of appearance. Raises ValidationException for what a key condition may not be."""
    tests: list[KeyTest] = []
    seen: set[str] = set()
    waiting = [node]
    while waiting:
        found = waiting.pop()
        if isinstance(found, And):
            waiting.extend(reversed(found.conditions))
            continue
        test = _key_test(found, names)
        if test.attribute in seen:
            raise validation("KeyConditionExpressions must only contain one condition per key")
        seen.add(test.attribute)
        tests.append(test)
    return tests


def _operator(node: ConditionNode) -> str:
    if isinstance(node, Or):
        return "OR"
    if isinstance(node, Not):
        return "NOT"
    if isinstance(node, In):
        return "IN"
    if isinstance(node, Between):
        return "BETWEEN"
    if isinstance(node, Comparison):
        return node.operator
    assert isinstance(node, Call)
    return node.function


def _key_test(node: ConditionNode, names: Names) -> KeyTest:
    operator = _operator(node)
    if not isinstance(node, Comparison | Between | Call) or operator not in (*_OPERATORS, "BETWEEN", "begins_with"):
        raise validation(f"Invalid operator used in KeyConditionExpression: {operator}")
    operands = operands_of(node)
    if not isinstance(node, Comparison) and not isinstance(operands[0], Path):
        raise _invalid(f"{operator} operator must have the key attribute as its first operand")
    attribute = None
    values = []
    for operand in operands:
        if isinstance(operand, ValueReference):
            values.append(operand.text)
        elif not isinstance(operand, Path):
            raise validation("KeyConditionExpressions cannot contain nested operations")
        elif attribute is not None:
            raise _invalid("Multiple attribute names used in one condition")
        else:
            attribute = resolve(operand, names)
            if len(attribute) > 1:
                raise validation("KeyConditionExpressions cannot have conditions on nested attributes")
    if attribute is None:
        raise _invalid("No key attribute specified")
    if isinstance(node, Comparison):
        operator = (_OPERATORS if isinstance(operands[0], Path) else _MIRRORED)[operator]
    return KeyTest(str(attribute[0]), operator.upper(), tuple(values))


def _invalid(problem: str) -> Exception:
    return validation(f"Invalid condition in KeyConditionExpression: {problem}")
