"""Faults of an expression that need no names and no values: found once, when the text is parsed.

They are reported in order of appearance: functions that do not exist or may not stand where they do, reserved words,
list indexes out of range; then, in an update, a section that is repeated. Each function returns nothing and raises
Fault.
"""

from statordb.expressions.faults import Fault
from statordb.expressions.reserved import RESERVED_WORDS
from statordb.expressions.syntax import (
    And,
    Arithmetic,
    Between,
    Call,
    Comparison,
    ConditionNode,
    In,
    Not,
    Operand,
    Or,
    Path,
    ProjectionNode,
    Remove,
    UpdateNode,
)

CONDITION_FUNCTIONS = frozenset(
    ("attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains", "size")
)
UPDATE_FUNCTIONS = frozenset(("if_not_exists", "list_append"))
LIST_INDEX_MAX = 2**31 - 1


def check_condition(node: ConditionNode) -> None:
    if isinstance(node, And | Or):
        for condition in node.conditions:
            check_condition(condition)
    elif isinstance(node, Not):
        check_condition(node.condition)
    elif isinstance(node, Call):
        _check_condition_function(node.function)
        if node.function == "size":
            raise _misused(node.function)
        for operand in node.operands:
            _check_condition_operand(operand)
    elif isinstance(node, Comparison):
        _check_condition_operand(node.left)
        _check_condition_operand(node.right)
    elif isinstance(node, Between):
        _check_condition_operand(node.operand)
        _check_condition_operand(node.low)
        _check_condition_operand(node.high)
    else:
        assert isinstance(node, In)
        _check_condition_operand(node.operand)
        for operand in node.candidates:
            _check_condition_operand(operand)


def check_update(node: UpdateNode) -> None:
    for action in node.actions:
        _check_path(action.path)
        if not isinstance(action, Remove):
            _check_set_value(action.value)
    seen = set()
    for section in node.sections:
        if section in seen:
            raise Fault(f'The "{section}" section can only be used once in an update expression;')
        seen.add(section)


def check_projection(node: ProjectionNode) -> None:
    for path in node.paths:
        _check_path(path)


def _misused(function: str) -> Fault:
    return Fault(f"The function is not allowed to be used this way in an expression; function: {function}")


def _check_condition_function(function: str) -> None:
    if function in CONDITION_FUNCTIONS:
        return
    if function in UPDATE_FUNCTIONS:
        raise Fault(f"The function is not allowed in a condition expression; function: {function}")
    raise Fault(f"Invalid function name; function: {function}")


def _check_condition_operand(operand: Operand) -> None:
    if isinstance(operand, Path):
        _check_path(operand)
    elif isinstance(operand, Call):
        _check_condition_function(operand.function)
        if operand.function != "size":
            raise _misused(operand.function)
        for inner in operand.operands:
            _check_condition_operand(inner)


def _check_set_value(operand: Operand, nested: bool = False) -> None:
    """`nested`: it stands inside a function call or beside an operator, where only if_not_exists may be called."""
    if isinstance(operand, Path):
        _check_path(operand)
    elif isinstance(operand, Arithmetic):
        _check_set_value(operand.left, nested=True)
        _check_set_value(operand.right, nested=True)
    elif isinstance(operand, Call):
        function = operand.function
        if function not in UPDATE_FUNCTIONS:
            if function in CONDITION_FUNCTIONS:
                raise Fault(f"The function is not allowed in an update expression; function: {function}")
            raise Fault(f"Invalid function name; function: {function}")
        if nested and function != "if_not_exists":
            raise _misused(function)
        for inner in operand.operands:
            _check_set_value(inner, nested=True)


def _check_path(path: Path) -> None:
    for part in path.parts:
        if isinstance(part, str):
            if part.upper() in RESERVED_WORDS:
                raise Fault(f"Attribute name is a reserved keyword; reserved keyword: {part}")
        elif isinstance(part, int) and part > LIST_INDEX_MAX:
            raise Fault(f"List index is not within the allowable range; index: [{part}]")
