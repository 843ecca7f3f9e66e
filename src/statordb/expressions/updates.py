"""Updates checked against a request's names and values.

AWS checks from the last action to the first: all the paths that are written, then all the values. Each check raises
Fault. Source: developer guide, "Update expressions".
"""

from statordb.expressions.conditions import not_distinct
from statordb.expressions.faults import Fault
from statordb.expressions.operands import (
    Names,
    Values,
    check_count,
    check_defined,
    known_value,
    needs_path,
    paths_of,
    tag,
    wrong_type,
)
from statordb.expressions.paths import Parts, check_depth, check_distinct, resolve, show
from statordb.expressions.syntax import (
    Add,
    Arithmetic,
    Call,
    Literal,
    Operand,
    Path,
    Remove,
    Set,
    UpdateNode,
    ValueReference,
)

_ADD_TYPES = frozenset(("N", "SS", "NS", "BS"))
_DELETE_TYPES = frozenset(("SS", "NS", "BS"))
_NUMBER = frozenset(("N",))
_LIST = frozenset(("L",))

# What AWS counts beside an updated item, in bytes: for the update, for each action that writes a value and each that
# takes one away, and for two forms of SET. Measured on AWS by the authors of dynoxide, to the byte.
_UPDATE_BYTES = 3
_WRITING_BYTES = 19
_CLEARING_BYTES = 2
_ELEMENT_BYTES = 1
_ARITHMETIC_BYTES = 50
LONG_TYPE_NAMES = {
    "S": "STRING",
    "N": "NUMBER",
    "B": "BINARY",
    "SS": "STRING_SET",
    "NS": "NUMBER_SET",
    "BS": "BINARY_SET",
    "M": "MAP",
    "L": "LIST",
    "NULL": "NULL",
    "BOOL": "BOOLEAN",
}


def direct_values(node: UpdateNode, written: list[Parts]) -> dict[str, ValueReference | Literal]:
    """The values that a request gives whole attributes as they are, or adds to them, or takes out of them."""
    found: dict[str, ValueReference | Literal] = {}
    for action, parts in zip(node.actions, written, strict=True):
        if len(parts) == 1 and not isinstance(action, Remove) and isinstance(action.value, ValueReference | Literal):
            found[str(parts[0])] = action.value
    return found


def overhead_bytes(node: UpdateNode) -> int:
    """What UpdateItem adds to the size of an item without its key, to see whether the update makes it too large."""
    total = _UPDATE_BYTES
    for action in node.actions:
        total += _WRITING_BYTES if isinstance(action, (Set, Add)) else _CLEARING_BYTES
        if isinstance(action, Set):
            total += _ELEMENT_BYTES * isinstance(action.path.parts[-1], int)
            total += _ARITHMETIC_BYTES * isinstance(action.value, Arithmetic)
    return total


def check(node: UpdateNode, names: Names, values: Values) -> None:
    check_distinct([action.path for action in node.actions], names)
    for action in reversed(node.actions):
        if isinstance(action, Set):
            _check_value(action.value, names, values)
        elif not isinstance(action, Remove):
            check_defined(action.value, names, values)
            given = known_value(action.value, values)
            assert given is not None
            _check_given(isinstance(action, Add), tag(given))


def check_limits(node: UpdateNode, names: Names) -> None:
    """What AWS counts only when nothing else is wrong."""
    for action in node.actions:
        check_depth(resolve(action.path, names))
        if isinstance(action, Set):
            for path in paths_of(action.value):
                check_depth(resolve(path, names))


def written(node: UpdateNode, names: Names) -> list[Parts]:
    """The paths that the update writes, in order of appearance."""
    return [resolve(action.path, names) for action in node.actions]


def read(node: UpdateNode, names: Names) -> list[Parts]:
    """The paths that the update reads."""
    values = [action.value for action in node.actions if not isinstance(action, Remove)]
    return [resolve(path, names) for value in values for path in paths_of(value)]


def value_types(node: UpdateNode) -> dict[str, frozenset[str] | None]:
    """For each value reference the types it may have (None: any): all that is left to check once a tree has been
    checked with other values.
    """
    types: dict[str, frozenset[str] | None] = {}

    def note(operand: Operand, allowed: frozenset[str] | None) -> None:
        if isinstance(operand, ValueReference):
            known = types.get(operand.text)
            types[operand.text] = allowed if known is None else known & allowed if allowed else known
        elif isinstance(operand, Arithmetic):
            note(operand.left, _NUMBER)
            note(operand.right, _NUMBER)
        elif isinstance(operand, Call):
            for inner in operand.operands:
                note(inner, _LIST if operand.function == "list_append" else None)

    for action in node.actions:
        if isinstance(action, Set):
            note(action.value, None)
        elif not isinstance(action, Remove):
            note(action.value, _ADD_TYPES if isinstance(action, Add) else _DELETE_TYPES)
    return types


def _check_value(operand: Operand, names: Names, values: Values) -> None:
    if isinstance(operand, Arithmetic):
        operands = (operand.left, operand.right)
        for each in operands:
            _check_value(each, names, values)
        _check_known_types(operand.operator, operands, "N", values)
    elif isinstance(operand, Call):
        function = operand.function
        for each in operand.operands:
            _check_value(each, names, values)
        check_count(function, operand.operands, 2)
        if function == "list_append":
            _check_known_types(function, operand.operands, "L", values)
        else:
            _check_if_not_exists(operand, names)
    else:
        check_defined(operand, names, values)


def _check_if_not_exists(call: Call, names: Names) -> None:
    path, default = call.operands
    if not isinstance(path, Path):
        raise needs_path(call.function)
    parts = resolve(path, names)
    if isinstance(default, Path) and resolve(default, names) == parts:
        raise not_distinct(call.function, show(parts))


def _check_known_types(operator: str, operands: tuple[Operand, ...], wanted: str, values: Values) -> None:
    for operand in operands:
        value = known_value(operand, values)
        if value is not None and wanted not in value:
            raise wrong_type(operator, tag(value))


def _check_given(is_add: bool, type_: str) -> None:
    """The value of an ADD or a DELETE."""
    if type_ not in (_ADD_TYPES if is_add else _DELETE_TYPES):
        operator = "ADD" if is_add else "DELETE"
        raise Fault(
            f"Incorrect operand type for operator or function; operator: {operator}, "
            f"operand type: {LONG_TYPE_NAMES[type_]}, typeSet: ALLOWED_FOR_{operator}_OPERAND"
        )
