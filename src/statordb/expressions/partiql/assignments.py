"""SET and REMOVE of UPDATE statements to the actions of update expressions."""

from statordb.expressions.partiql.cursor import Cursor
from statordb.expressions.partiql.terms import TermParser, misused, refuse_nested, unknown, wrong_count
from statordb.expressions.syntax import Action, Add, Arithmetic, Call, Delete, Operand, Path, Remove, Set, UpdateNode
from statordb.model import errors

_SET_FUNCTIONS: dict[str, type[Add | Delete]] = {"set_add": Add, "set_delete": Delete}
_VALUE_FUNCTIONS = ("list_append", "if_not_exists")
_OPERANDS = 2  # of each of these functions
_NO_OPERATORS = frozenset(("*", "/", "%", "||"))  # which PartiQL has, and updates do not

_Before = tuple[Operand, str] | None
"""What stands before an operand: the left side of its operator, and that."""


class AssignmentParser:
    """Reads SET and REMOVE clauses, which may be repeated, up to where they end."""

    def __init__(self, cursor: Cursor, terms: TermParser) -> None:
        self._cursor = cursor
        self._terms = terms

    def update(self) -> UpdateNode:
        """All clauses; raises ValidationException."""
        cursor = self._cursor
        if cursor.kind != "SET" and cursor.kind != "REMOVE":
            raise errors.ill_formed_statement("Expected data manipulation")
        actions: list[Action] = []
        while cursor.kind == "SET" or cursor.kind == "REMOVE":
            if cursor.advance().upper() == "REMOVE":  # of one path, unlike SET
                actions.append(Remove(self._terms.path()))
                continue
            actions.append(self._set())
            while cursor.accept(","):
                actions.append(self._set())
        self._terms.refuse_many_operators()
        return UpdateNode((), tuple(actions))

    def _set(self) -> Action:
        cursor = self._cursor
        path = self._terms.path()
        cursor.expect("=")
        if cursor.calls() and cursor.token.text.lower() in _SET_FUNCTIONS:
            return self._set_change(path)
        return Set(path, self._value())

    def _set_change(self, path: Path) -> Action:
        """Of set_add and set_delete, whose first operand is what they are assigned to."""
        function = self._cursor.advance().lower()
        operands = self._terms.arguments(self._terms.operand)
        _refuse_count(function, operands)
        changed, members = operands
        if changed != path or isinstance(members, Path | Call):
            raise misused(function)
        return _SET_FUNCTIONS[function](path, members)

    def _value(self) -> Operand:
        """What is assigned: operands and what they come to, from the left; what is in parentheses first."""
        cursor, depth = self._cursor, 0
        before: list[_Before] = [None]  # of the whole, and of each parenthesis that is open
        while True:
            while cursor.accept("("):
                before.append(None)
                refuse_nested(len(before) - 1)
            value = _joined(before[-1], self._operand())
            while len(before) > 1 and cursor.accept(")"):
                before.pop()
                value = _joined(before[-1], value)
            if cursor.kind != "+" and cursor.kind != "-":
                break
            self._terms.operators += 1
            depth += 1  # of the tree that comes of it
            refuse_nested(depth)
            before[-1] = value, cursor.advance()
        if cursor.kind in _NO_OPERATORS:
            raise errors.validation_as_it_is(f"Unsupported operator in Update Expression. Operator: {cursor.kind}")
        if len(before) > 1:
            raise cursor.unexpected()
        return value

    def _operand(self) -> Operand:
        """Nothing stands inside a call but what is none."""
        cursor = self._cursor
        if cursor.calls():
            return self._called()
        if cursor.is_sign_of_a_term():
            raise wrong_count(cursor.kind, 1)
        return self._terms.operand()

    def _called(self) -> Operand:
        function = self._cursor.token.text.lower()
        if function not in _VALUE_FUNCTIONS:
            raise unknown(function)
        self._cursor.advance()
        return _call(function, self._terms.arguments(self._inner))

    def _inner(self) -> Operand:
        """An operand of a function: one of list_append may be if_not_exists."""
        cursor = self._cursor
        if not cursor.calls():
            return self._terms.operand()
        if cursor.token.text.lower() != "if_not_exists":
            raise misused(cursor.token.text)
        cursor.advance()
        return _call("if_not_exists", self._terms.arguments(self._terms.operand))


def _joined(before: _Before, value: Operand) -> Operand:
    if before is None:
        return value
    left, operator = before
    return Arithmetic(operator, left, value)


def _call(function: str, operands: tuple[Operand, ...]) -> Call:
    """Raises ValidationException for what no plan can be made of."""
    _refuse_count(function, operands)
    if function == "if_not_exists" and not isinstance(operands[0], Path):
        raise errors.validation_as_it_is(
            f"Operator or function requires a document path; operator or function: {function}"
        )
    return Call(function, operands)


def _refuse_count(function: str, operands: tuple[Operand, ...]) -> None:
    if len(operands) != _OPERANDS:
        raise wrong_count(function, len(operands))
