"""Conditions checked against a request's names and values, and what a condition's tree mentions.

Each check raises Fault for the first fault in order of appearance. Only what the request itself says wrongly is one: a
missing attribute or one of another type is not. Source: developer guide, "Condition and filter expressions, operators,
and functions".
"""

from collections.abc import Iterator

from statordb.expressions.faults import Fault
from statordb.expressions.operands import (
    Names,
    Values,
    check_count,
    check_defined,
    check_size,
    known_value,
    needs_path,
    operand_type,
    tag,
    wrong_type,
)
from statordb.expressions.paths import Value, check_depth, resolve, show
from statordb.expressions.syntax import (
    And,
    Between,
    Call,
    Comparison,
    ConditionNode,
    In,
    Not,
    Operand,
    Or,
    Path,
    ValueReference,
)
from statordb.model.errors import quoted
from statordb.model.limits import EXPRESSION_IN_OPERANDS_MAX
from statordb.model.values import binary_size, compare

ORDERED_TYPES = frozenset(("S", "N", "B"))
_PREFIX_TYPES = frozenset(("S", "B"))
_TYPE_NAMES = frozenset(("S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"))
_OPERAND_COUNTS = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
}


def check(node: ConditionNode, names: Names, values: Values) -> None:
    operands: tuple[Operand, ...]
    if isinstance(node, And | Or):
        for condition in node.conditions:
            check(condition, names, values)
    elif isinstance(node, Not):
        check(node.condition, names, values)
    elif isinstance(node, Comparison):
        operands = (node.left, node.right)
        _check_operands(operands, names, values)
        if node.operator not in ("=", "<>"):
            _check_types(node.operator, operands, ORDERED_TYPES, values)
        _check_first_distinct(node.operator, operands, names)
    elif isinstance(node, Between):
        operands = (node.operand, node.low, node.high)
        _check_operands(operands, names, values)
        _check_types("BETWEEN", operands, ORDERED_TYPES, values)
        _check_first_distinct("BETWEEN", operands, names)
        _check_bounds(known_value(node.low, values), known_value(node.high, values))
    elif isinstance(node, In):
        operands = (node.operand, *node.candidates)
        _check_operands(operands, names, values)
        _check_first_distinct("IN", operands, names)
    else:
        _check_call(node, names, values)


def check_limits(node: ConditionNode, names: Names) -> None:
    """What AWS counts only when nothing else is wrong."""
    for path in paths(node):
        check_depth(resolve(path, names))
    for condition in primitives(node):
        if isinstance(condition, In) and len(condition.candidates) > EXPRESSION_IN_OPERANDS_MAX:
            count = len(condition.candidates)
            raise Fault(f"The IN operator is provided with too many operands; number of operands: {count}")


def _check_operands(operands: tuple[Operand, ...], names: Names, values: Values) -> None:
    for operand in operands:
        if isinstance(operand, Call):
            check_size(operand, names, values)
        else:
            check_defined(operand, names, values)


def _check_types(operator: str, operands: tuple[Operand, ...], allowed: frozenset[str], values: Values) -> None:
    for operand in operands:
        type_ = operand_type(operand, values)
        if type_ is not None and type_ not in allowed:
            raise wrong_type(operator, type_)


def _check_first_distinct(operator: str, operands: tuple[Operand, ...], names: Names) -> None:
    if not isinstance(operands[0], Path):
        return
    first = resolve(operands[0], names)
    for operand in operands[1:]:
        if isinstance(operand, Path) and resolve(operand, names) == first:
            raise not_distinct(operator, show(first))


def not_distinct(operator: str, first: str) -> Fault:
    return Fault(
        "The first operand must be distinct from the remaining operands for this operator or function; "
        f"operator: {operator}, first operand: {first}"
    )


def _check_bounds(low: Value | None, high: Value | None) -> None:
    if low is None or high is None:
        return
    if tag(low) != tag(high):
        rule = "same data type for lower and upper bounds"
    elif compare(low, high) > 0:
        rule = "upper bound to be greater than or equal to lower bound"
    else:
        return
    raise Fault(
        f"The BETWEEN operator requires {rule}; lower bound operand: AttributeValue: {_show_value(low)}, "
        f"upper bound operand: AttributeValue: {_show_value(high)}"
    )


def _show_value(value: Value) -> str:
    ((type_, content),) = value.items()
    if type_ == "B":
        length = binary_size(content)
        content = f"java.nio.HeapByteBuffer[pos=0 lim={length} cap={length}]"
    return f"{{{type_}:{quoted(content)}}}"


def _check_call(node: Call, names: Names, values: Values) -> None:
    function, operands = node.function, node.operands
    _check_operands(operands, names, values)
    check_count(function, operands, _OPERAND_COUNTS[function])
    if function in ("attribute_exists", "attribute_not_exists"):
        if not isinstance(operands[0], Path):
            raise needs_path(function)
        return
    _check_first_distinct(function, operands, names)
    if function == "begins_with":
        _check_types(function, operands, _PREFIX_TYPES, values)
    elif function == "attribute_type":
        _check_type_name(operands[1], values)


def _check_type_name(operand: Operand, values: Values) -> None:
    given = known_value(operand, values)
    if given is None or "S" not in given:
        type_ = operand_type(operand, values)
        raise wrong_type("attribute_type", type_ or "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}")
    if given["S"] not in _TYPE_NAMES:
        raise Fault(
            f"Invalid attribute type name found; type: {quoted(given['S'])}, "
            "valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"
        )


# What a tree mentions


def primitives(node: ConditionNode) -> Iterator[Comparison | Between | In | Call]:
    """Every condition without AND, OR and NOT, in order of appearance."""
    waiting = [node]
    while waiting:
        found = waiting.pop()
        if isinstance(found, And | Or):
            waiting.extend(reversed(found.conditions))
        elif isinstance(found, Not):
            waiting.append(found.condition)
        else:
            yield found


def operands_of(node: Comparison | Between | In | Call) -> tuple[Operand, ...]:
    if isinstance(node, Comparison):
        return node.left, node.right
    if isinstance(node, Between):
        return node.operand, node.low, node.high
    return (node.operand, *node.candidates) if isinstance(node, In) else node.operands


def paths(node: ConditionNode) -> Iterator[Path]:
    for condition in primitives(node):
        waiting = list(reversed(operands_of(condition)))
        while waiting:
            operand = waiting.pop()
            if isinstance(operand, Path):
                yield operand
            elif isinstance(operand, Call):
                waiting.extend(reversed(operand.operands))


def value_types(node: ConditionNode) -> dict[str, frozenset[str] | None] | None:
    """For each value reference the types it may have (None: any): all that is left to check once a tree has been
    checked with other values, but for the bounds. None for a tree where other contents of values matter too.
    """
    types: dict[str, frozenset[str] | None] = {}
    for condition in primitives(node):
        allowed: frozenset[str] | None = None
        if isinstance(condition, Between):
            allowed = ORDERED_TYPES
        elif isinstance(condition, Comparison):
            allowed = None if condition.operator in ("=", "<>") else ORDERED_TYPES
        elif isinstance(condition, Call):
            if condition.function == "attribute_type":
                return None
            allowed = _PREFIX_TYPES if condition.function == "begins_with" else None
        for operand in operands_of(condition):
            if isinstance(operand, Call) and not isinstance(operand.operands[0], Path):
                return None
            if isinstance(operand, ValueReference):
                known = types.get(operand.text)
                types[operand.text] = allowed if known is None else known & allowed if allowed else known
    return types


def bounds(node: ConditionNode) -> tuple[tuple[str, str], ...]:
    """The value references of each BETWEEN that has two of them; see `in_order`."""
    return tuple(
        (condition.low.text, condition.high.text)
        for condition in primitives(node)
        if isinstance(condition, Between)
        and isinstance(condition.low, ValueReference)
        and isinstance(condition.high, ValueReference)
    )


def has_between(node: ConditionNode) -> bool:
    return any(isinstance(condition, Between) for condition in primitives(node))


def in_order(low: Value, high: Value) -> bool:
    """Whether two values of ordered types can be the bounds of a BETWEEN."""
    return tag(low) in high and compare(low, high) <= 0
