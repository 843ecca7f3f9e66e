"""Operands of expressions, and what is noted of a text while it is read: placeholders, operators, parentheses."""

from statordb.expressions import lexer
from statordb.expressions.cursor import Cursor
from statordb.expressions.faults import Fault
from statordb.expressions.syntax import Call, NameReference, Operand, Path, ValueReference
from statordb.model.limits import EXPRESSION_OPERATORS_MAX


class OperandParser:
    """Reads paths, values and function calls; all that it is told of a text serves the parsers of whole texts too.

    `name_references` and `value_references` are the placeholders found, `operators` the number of operators and
    functions, `redundant_parentheses` whether a pair of parentheses stands directly in another.
    """

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self.name_references: set[str] = set()
        self.value_references: set[str] = set()
        self.operators = 0
        self.redundant_parentheses = False

    def path(self) -> Path:
        parts: list[str | int | NameReference] = [self._name()]
        while True:
            if self._cursor.kind == ".":
                self._cursor.advance()
                parts.append(self._name())
            elif self._cursor.kind == "[":
                self._cursor.advance()
                parts.append(int(self._cursor.expect(lexer.NUMBER)))
                self._cursor.expect("]")
            else:
                return Path(tuple(parts))

    def _name(self) -> str | NameReference:
        if self._cursor.kind == lexer.NAME_REFERENCE:
            text = self._cursor.advance()
            self.name_references.add(text)
            return NameReference(text)
        return self._cursor.expect(lexer.NAME)

    def value_reference(self) -> ValueReference:
        text = self._cursor.expect(lexer.VALUE_REFERENCE)
        self.value_references.add(text)
        return ValueReference(text)

    def operand(self) -> Operand:
        """A path, a value or a function call, without redundant parentheses around it."""
        operand = self._operand()
        self.reject_redundant_parentheses()
        return operand

    def reject_redundant_parentheses(self) -> None:
        if self.redundant_parentheses:
            raise Fault("The expression has redundant parentheses;")

    def finish(self) -> None:
        """Where a text must end. Too many operators are told here, when nothing else is wrong."""
        if self._cursor.kind != lexer.END:
            raise self._cursor.unexpected()
        if self.operators > EXPRESSION_OPERATORS_MAX:
            raise Fault(f"The expression contains too many operators; operator count: {EXPRESSION_OPERATORS_MAX + 1}")

    def _operand(self) -> Operand:
        """A path, a value or a function call, perhaps in parentheses; nested calls wait on a list of our own."""
        waiting: list[
            tuple[str, list[Operand]] | None
        ] = []  # a call's function and operands, or None for a parenthesis
        while True:
            if self._cursor.kind == "(":
                self._cursor.advance()
                waiting.append(None)
                continue
            operand: Operand
            if self._cursor.kind == lexer.VALUE_REFERENCE:
                operand = self.value_reference()
            elif self._cursor.calls():
                waiting.append((self._cursor.advance(), []))
                self._cursor.advance()
                self.operators += 1
                continue
            else:
                operand = self.path()
            completed = self._complete(waiting, operand)
            if completed is not None:
                return completed

    def _complete(self, waiting: list[tuple[str, list[Operand]] | None], operand: Operand) -> Operand | None:
        """Give an operand to the calls and parentheses around it; None where a call goes on with another operand."""
        parenthesised = False
        while waiting:
            frame = waiting[-1]
            if frame is None:
                self._cursor.expect(")")
                self.redundant_parentheses |= parenthesised
                parenthesised = True
            else:
                frame[1].append(operand)
                if self._cursor.kind == ",":
                    self._cursor.advance()
                    return None
                self._cursor.expect(")")
                operand = Call(frame[0], tuple(frame[1]))
                parenthesised = False
            waiting.pop()
        return operand
