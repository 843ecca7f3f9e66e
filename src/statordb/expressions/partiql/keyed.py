"""What a WHERE clause says of the key of what it reads or writes: a get, a query, several queries, or a scan.

Source: developer guide, "PartiQL select statements for DynamoDB": equality with the partition key, or IN, joined by AND
with the rest, or by OR with its like, is no scan. The sort key narrows what is read by any operator of key conditions.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from typing import NamedTuple

from statordb.expressions.operands import Values, known_value
from statordb.expressions.paths import Item, Value
from statordb.expressions.plans import ConditionPlan
from statordb.expressions.syntax import (
    And,
    Between,
    Call,
    Comparison,
    ConditionNode,
    In,
    Literal,
    Operand,
    Or,
    Path,
    ValueReference,
)

_OPERATORS = {"=": "EQ", "<": "LT", "<=": "LE", ">": "GT", ">=": "GE"}
_MIRRORED = {"=": "EQ", "<": "GT", "<=": "GE", ">": "LT", ">=": "LE"}  # with the attribute on the right
_Test = tuple[str, str, tuple[Operand, ...]]  # attribute, operator, operands
_Given = Literal | ValueReference


class Keyed(NamedTuple):
    """How a clause narrows what is read by one key schema.

    partitions  the values of each partition key attribute, any of which may be joined with any of the others.
    sort        conditions on sort key attributes from the left: (attribute, operator, operands).
    rest        what else has to be true of an item; None: nothing.
    exact       every attribute of the key is equal to one value.
    again       further equalities with attributes of the key, which are in `rest` too.
    """

    partitions: dict[str, tuple[Operand, ...]]
    sort: tuple[_Test, ...]
    rest: ConditionPlan | None
    exact: bool
    again: tuple[_Test, ...] = ()

    @property
    def combinations(self) -> int:
        """How many partition keys there are, if none is named twice."""
        return prod(map(len, self.partitions.values()))

    def keys(self, values: Values) -> list[Item]:
        """The partition keys, each once, in order of appearance."""
        found: dict[tuple[str, ...], Item] = {}
        names = list(self.partitions)
        for operands in product(*self.partitions.values()):
            item = {name: _value(operand, values) for name, operand in zip(names, operands, strict=True)}
            found.setdefault(tuple(map(str, item.values())), item)
        return list(found.values())

    def sort_conditions(self, values: Values) -> list[tuple[str, str, list[Value]]]:
        return [(name, operator, [_value(each, values) for each in operands]) for name, operator, operands in self.sort]

    def given(self, values: Values) -> Iterator[tuple[str, Value]]:
        """Each key attribute with each value that it is compared with."""
        for name, operands in self.partitions.items():
            yield from ((name, _value(each, values)) for each in operands)
        for name, _, operands in self.sort:
            yield from ((name, _value(each, values)) for each in operands)

    def key(self, values: Values) -> Item:
        """The whole key, if it is exact."""
        assert self.exact
        key = {name: _value(operands[0], values) for name, operands in self.partitions.items()}
        key.update((name, _value(operands[0], values)) for name, _, operands in self.sort)
        return key


def keyed(where: ConditionNode | None, partition: Sequence[str], sort: Sequence[str]) -> Keyed | None:
    """How a clause narrows a read by a key of these attributes; None: not at all, it is a scan."""
    conjuncts = list(_conjuncts(where))
    used: set[int] = set()
    partitions: dict[str, tuple[Operand, ...]] = {}
    exact = True
    for name in partition:
        found = _partition_test(conjuncts, name)
        if found is None:
            return None
        at, partitions[name] = found
        exact = exact and isinstance(conjuncts[at], Comparison)
        if _says_no_more(conjuncts[at]):
            used.add(at)
    tests = _sort_tests(conjuncts, sort, used)
    rest = [conjunct for position, conjunct in enumerate(conjuncts) if position not in used]
    exact = exact and len(tests) == len(sort) and all(operator == "EQ" for _, operator, _ in tests)
    return Keyed(partitions, tests, _plan(rest), exact, tuple(_equalities(rest, {*partition, *sort})))


def _equalities(conjuncts: Sequence[ConditionNode], names: set[str]) -> Iterator[_Test]:
    tests = (_test(conjunct) for conjunct in conjuncts)
    return (test for test in tests if test is not None and test[1] == "EQ" and test[0] in names)


def _plan(conjuncts: list[ConditionNode]) -> ConditionPlan | None:
    if not conjuncts:
        return None
    return ConditionPlan(conjuncts[0] if len(conjuncts) == 1 else And(tuple(conjuncts)), {})


def _conjuncts(where: ConditionNode | None) -> Iterator[ConditionNode]:
    waiting = [] if where is None else [where]
    while waiting:
        found = waiting.pop()
        if isinstance(found, And):
            waiting.extend(reversed(found.conditions))
        else:
            yield found


def _partition_test(conjuncts: list[ConditionNode], name: str) -> tuple[int, tuple[Operand, ...]] | None:
    """The conjunct that says best which values the attribute may have, and these: the first equality, else the one with
    the fewest."""
    best: tuple[int, tuple[Operand, ...]] | None = None
    for position, conjunct in enumerate(conjuncts):
        found = _alternatives(conjunct, name)
        if found is None:
            continue
        if isinstance(conjunct, Comparison):
            return position, found
        if best is None or len(found) < len(best[1]):
            best = position, found
    return best


def _says_no_more(node: ConditionNode) -> bool:
    """Whether a condition is only about one attribute's values."""
    return not isinstance(node, Or) or not any(isinstance(condition, And | Or) for condition in node.conditions)


def _alternatives(node: ConditionNode, name: str) -> tuple[Operand, ...] | None:
    """The values that a condition demands of an attribute, one of which it must have; None: it may have others."""
    if isinstance(node, Or):
        found: list[Operand] = []
        for condition in node.conditions:
            several = [_of_primitive(each, name) for each in _conjuncts(condition)]
            demanded = next((each for each in several if each is not None), None)
            if demanded is None:
                return None
            found += demanded
        return tuple(found)
    return _of_primitive(node, name)


def _of_primitive(node: ConditionNode, name: str) -> tuple[Operand, ...] | None:
    if isinstance(node, In):
        is_given = _names(node.operand, name) and all(isinstance(each, _Given) for each in node.candidates)
        return node.candidates if is_given else None
    test = _test(node)
    return test[2] if test is not None and test[0] == name and test[1] == "EQ" else None


def _sort_tests(conjuncts: list[ConditionNode], sort: Sequence[str], used: set[int]) -> tuple[_Test, ...]:
    tests = []
    for name in sort:
        candidates = [
            (position, test)
            for position, conjunct in enumerate(conjuncts)
            if position not in used and (test := _test(conjunct)) is not None and test[0] == name
        ]
        if not candidates:
            break
        position, chosen = next((each for each in candidates if each[1][1] == "EQ"), candidates[0])
        used.add(position)
        tests.append(chosen)
        if chosen[1] != "EQ":
            break
    return tuple(tests)


def _test(node: ConditionNode) -> _Test | None:
    """A condition on one whole attribute, as key conditions have them; None for any other."""
    if isinstance(node, Comparison) and node.operator in _OPERATORS:
        for operators, one, other in ((_OPERATORS, node.left, node.right), (_MIRRORED, node.right, node.left)):
            if isinstance(one, Path) and len(one.parts) == 1 and isinstance(other, _Given):
                return str(one.parts[0]), operators[node.operator], (other,)
        return None
    if isinstance(node, Between):
        operator, operands = "BETWEEN", (node.operand, node.low, node.high)
    elif isinstance(node, Call) and node.function == "begins_with" and len(node.operands) == 2:
        operator, operands = "BEGINS_WITH", node.operands  # type: ignore[assignment]
    else:
        return None
    path, *given = operands
    if isinstance(path, Path) and len(path.parts) == 1 and all(isinstance(each, _Given) for each in given):
        return str(path.parts[0]), operator, tuple(given)
    return None


def _names(operand: Operand, name: str) -> bool:
    return isinstance(operand, Path) and operand.parts == (name,)


def _value(operand: Operand, values: Values) -> Value:
    value = known_value(operand, values)
    assert value is not None
    return value
