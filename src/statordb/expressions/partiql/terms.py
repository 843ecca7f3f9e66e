"""Terms of statements: paths, literals, parameters and function calls."""

from collections.abc import Callable

from statordb.expressions.partiql import tokens
from statordb.expressions.partiql.cursor import Cursor
from statordb.expressions.partiql.literals import BEGINNINGS, LiteralParser
from statordb.expressions.partiql.statement_tree import Template
from statordb.expressions.structure import CONDITION_FUNCTIONS, LIST_INDEX_MAX
from statordb.expressions.syntax import Call, Operand, Path
from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.model.limits import EXPRESSION_OPERATORS_MAX, STATEMENT_NESTING_MAX

_INDEX_DIGITS_MAX = 10  # one that has more is out of range


class TermParser:
    """Reads terms, and counts the operators and functions of a statement."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._literals = LiteralParser(cursor)
        self.parameters = self._literals.parameters
        self.operators = 0
        self._open = 0  # calls, one within the other

    def path(self) -> Path:
        """An attribute, or a place within it."""
        cursor = self._cursor
        parts: list[str | int] = [self.name()]
        while True:
            if cursor.accept("."):
                if not cursor.is_identifier() or cursor.is_reserved():
                    raise errors.ill_formed_statement("Invalid path dot component")
                parts.append(self.name())
            elif cursor.accept("["):
                parts.append(self._member())
                cursor.expect("]")
            elif cursor.kind == tokens.NUMBER and cursor.token.text.startswith("."):
                raise errors.ill_formed_statement("Invalid path dot component")
            else:
                return Path(tuple(parts))

    def name(self) -> str:
        """An identifier, which may not be empty."""
        if not self._cursor.is_identifier() or self._cursor.is_reserved():
            raise self._cursor.unexpected()
        return _filled(self._cursor.advance())

    def _member(self) -> str | int:
        """What stands in brackets: an index, or a name, which may be written as a string there."""
        cursor = self._cursor
        if cursor.kind == tokens.STRING:
            return _filled(cursor.advance())
        if cursor.is_identifier():
            return self.name()
        sign = cursor.advance() if cursor.kind in ("+", "-") and cursor.following == tokens.NUMBER else "+"
        digits = cursor.expect(tokens.NUMBER)
        if not digits.isdigit():
            raise errors.ill_formed_statement("Unexpected path component")
        if sign == "-" or len(digits) > _INDEX_DIGITS_MAX or int(digits) > LIST_INDEX_MAX:
            written = errors.quoted(digits if sign == "+" else f"-{digits}")
            raise errors.validation_as_it_is(f"List index is not within the allowable range; index: [{written}]")
        return int(digits)

    def operand(self) -> Operand:
        """A path, a literal, a parameter, or a call of a condition's function."""
        cursor = self._cursor
        if cursor.kind in BEGINNINGS:
            return self._literals.operand()
        if cursor.kind == "MISSING":
            raise errors.validation_as_it_is("MISSING must be compared using IS operator")
        if not cursor.calls():
            return self.path()
        function = cursor.advance().lower()
        if function not in CONDITION_FUNCTIONS:
            raise unknown(function)
        if cursor.following == ")":
            raise wrong_count(function, 0)
        return Call(function, self.arguments(self._argument))

    def _argument(self) -> Operand:
        """An operand of a condition's function, which is none itself, but for size()."""
        cursor = self._cursor
        if cursor.calls() and cursor.token.text.lower() != "size":
            raise misused(cursor.advance().lower())
        return self.operand()

    def arguments(self, read: Callable[[], Operand]) -> tuple[Operand, ...]:
        """What stands in the parentheses of a call, each operand read by `read`."""
        cursor = self._cursor
        self.operators += 1
        self._open += 1
        refuse_nested(self._open)
        cursor.expect("(")
        operands = [read()]
        while cursor.accept(","):
            operands.append(read())
        cursor.expect(")")
        self._open -= 1
        return tuple(operands)

    def value(self) -> Template:
        """A literal or a parameter that is taken apart later."""
        return self._literals.template()[0]

    def refuse_many_operators(self) -> None:
        """Raise ValidationException where a statement has more operators and functions than it may."""
        if self.operators > EXPRESSION_OPERATORS_MAX:
            raise errors.validation_as_it_is(
                f"The expression contains too many operators; operator count: {EXPRESSION_OPERATORS_MAX + 1}"
            )


def _filled(name: str) -> str:
    if not name:
        raise errors.validation_as_it_is("Path component cannot be an empty string")
    return name


def unknown(function: str) -> ClientError:
    return errors.validation_as_it_is(f"Unrecognized function: {errors.quoted(function)}")


def wrong_count(function: str, count: int) -> ClientError:
    return errors.validation_as_it_is(
        "Incorrect number of operands for operator or function; "
        f"operator or function: {function}, number of operands: {count}"
    )


def misused(function: str) -> ClientError:
    """The fault of a function where it may not stand."""
    return errors.validation_as_it_is(
        f"The function is not allowed to be used this way in an expression; function: {errors.quoted(function)}"
    )


def refuse_nested(depth: int) -> None:
    """Raise ValidationException where more parentheses are open than may be."""
    if depth > STATEMENT_NESTING_MAX:
        raise errors.validation_as_it_is(
            f"The statement has too many nesting levels; nesting levels: {STATEMENT_NESTING_MAX + 1}"
        )
