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
    return _distinct(node, names)[0]


def _distinct(node: ConditionNode, names: Names) -> tuple[ConditionNode, Hashable]:
    """The same, and what it is known by: made from the leaves up, so that each part is looked at once."""
    if isinstance(node, And | Or):
        kept: dict[Hashable, ConditionNode] = {}
        for condition in node.conditions:
            found, identity = _distinct(condition, names)
            kept.setdefault(identity, found)
        conditions = tuple(kept.values())
        if len(conditions) == 1:
            return conditions[0], next(iter(kept))
        return type(node)(conditions), (type(node), frozenset(kept))
    if isinstance(node, Not):
        inner, identity = _distinct(node.condition, names)
        return Not(inner), (Not, identity)
    if isinstance(node, In):
        candidates = {_of_operand(candidate, names): candidate for candidate in node.candidates}
        identity = In, _of_operand(node.operand, names), frozenset(candidates)
        return In(node.operand, tuple(candidates.values())), identity
    return node, _of_primitive(node, names)


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


def _of_primitive(node: Comparison | Between | Call, names: Names) -> Hashable:
    if isinstance(node, Comparison):
        if node.operator in ("=", "<>"):
            return node.operator, pair(node.left, node.right, names)
        return node.operator, _of_operand(node.left, names), _of_operand(node.right, names)
    if isinstance(node, Between):
        return Between, *[_of_operand(each, names) for each in (node.operand, node.low, node.high)]
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
