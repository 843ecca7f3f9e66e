"""Conditions without what they say twice, and what makes two parts of a tree the same.

A condition has no effects, so that of equal ones that are joined by AND, or by OR, and of equal operands of IN, one is
enough. A client can say the same a hundred times in few bytes, and comparing documents is not quick.
"""

from collections import Counter
from collections.abc import Hashable, Iterator

import orjson

from statordb.expressions.conditions import primitives
from statordb.expressions.operands import Names
from statordb.expressions.paths import resolve
from statordb.expressions.syntax import (
    And,
    Arithmetic,
    Between,
    Call,
    Comparison,
    ConditionNode,
    In,
    Literal,
    Not,
    Operand,
    Or,
    Path,
    ValueReference,
)


def distinct(node: ConditionNode, names: Names) -> ConditionNode:
    """A tree that means the same, with each condition and operand once where it stands beside its like."""
    if isinstance(node, And | Or):
        kept: dict[Hashable, ConditionNode] = {}
        for condition in node.conditions:
            found = distinct(condition, names)
            kept.setdefault(_of_condition(found, names), found)
        conditions = tuple(kept.values())
        return conditions[0] if len(conditions) == 1 else type(node)(conditions)
    if isinstance(node, Not):
        return Not(distinct(node.condition, names))
    if isinstance(node, In):
        candidates = {_of_operand(candidate, names): candidate for candidate in node.candidates}
        return In(node.operand, tuple(candidates.values()))
    return node


def pair(left: Operand, right: Operand, names: Names) -> Hashable:
    """What an equality of two operands is known by, whichever stands first."""
    return frozenset((_of_operand(left, names), _of_operand(right, names)))


def repeated(node: ConditionNode, names: Names) -> dict[Hashable, int]:
    """The pairs of operands that a tree compares for equality in several places, and a number for each."""
    counts = Counter(_pairs(node, names))
    return {found: number for number, found in enumerate(found for found, count in counts.items() if count > 1)}


def _pairs(node: ConditionNode, names: Names) -> Iterator[Hashable]:
    for condition in primitives(node):
        if isinstance(condition, In):
            for candidate in condition.candidates:
                yield pair(condition.operand, candidate, names)
        elif isinstance(condition, Comparison) and condition.operator in ("=", "<>"):
            yield pair(condition.left, condition.right, names)


def _of_condition(node: ConditionNode, names: Names) -> Hashable:
    if isinstance(node, And | Or):
        return type(node), frozenset(_of_condition(condition, names) for condition in node.conditions)
    if isinstance(node, Not):
        return Not, _of_condition(node.condition, names)
    if isinstance(node, Comparison):
        if node.operator in ("=", "<>"):
            return node.operator, pair(node.left, node.right, names)
        return node.operator, _of_operand(node.left, names), _of_operand(node.right, names)
    if isinstance(node, Between):
        return Between, *[_of_operand(each, names) for each in (node.operand, node.low, node.high)]
    if isinstance(node, In):
        candidates = frozenset(_of_operand(candidate, names) for candidate in node.candidates)
        return In, _of_operand(node.operand, names), candidates
    return _of_operand(node, names)


def _of_operand(operand: Operand, names: Names) -> Hashable:
    if isinstance(operand, Path):
        return Path, resolve(operand, names)
    if isinstance(operand, ValueReference):
        return ValueReference, operand.text
    if isinstance(operand, Literal):
        return Literal, orjson.dumps(operand.value)
    if isinstance(operand, Call):
        return operand.function, *[_of_operand(each, names) for each in operand.operands]
    assert isinstance(operand, Arithmetic)
    return operand.operator, _of_operand(operand.left, names), _of_operand(operand.right, names)
