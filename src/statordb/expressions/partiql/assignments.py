"""SET and REMOVE of UPDATE statements to the actions of update expressions."""

from statordb.expressions.partiql.cursor import Cursor
from statordb.expressions.partiql.terms import TermParser, misused, unknown
from statordb.expressions.syntax import Action, Add, Arithmetic, Call, Delete, Operand, Path, Remove, Set, UpdateNode
from statordb.model import errors

_SET_FUNCTIONS: dict[str, type[Add | Delete]] = {"set_add": Add, "set_delete": Delete}
_VALUE_FUNCTIONS = ("list_append", "if_not_exists")
_OPERANDS = 2  # of each of these functions


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
            read = self._set if cursor.advance().upper() == "SET" else self._remove
            actions.append(read())
            while cursor.accept(","):
                actions.append(read())
        self._terms.refuse_many_operators()
        return UpdateNode((), tuple(actions))

    def _remove(self) -> Action:
        return Remove(self._terms.path())

    def _set(self) -> Action:
        cursor = self._cursor
        path = self._terms.path()
        cursor.expect("=")
        if cursor.calls() and cursor.token.text.lower() in _SET_FUNCTIONS:
            return self._set_change(path)
        value = self._value()
        while cursor.kind == "+" or cursor.kind == "-":
            if isinstance(value, Arithmetic):
                raise cursor.left_over()
            self._terms.operators += 1
            operator = cursor.advance()
            value = Arithmetic(operator, value, self._value())
        return Set(path, value)

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
        """What is assigned, or an operand of an operator; nothing stands inside a call but what is none."""
        cursor, opened = self._cursor, 0
        while cursor.accept("("):
            opened += 1
        value = self._called() if cursor.calls() else self._terms.operand()
        for _ in range(opened):
            cursor.expect(")")
        return value

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
        raise errors.validation_as_it_is(
            "Incorrect number of operands for operator or function; "
            f"operator or function: {function}, number of operands: {len(operands)}"
        )
