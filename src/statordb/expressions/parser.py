"""Tokens to syntax tree. No function calls itself, so that no text, however nested, exhausts the stack.

An error is reported at the first token that no correct expression could have at its place, redundant parentheses where
the outer one closes; too many operators are reported last. Source: developer guide, "Using expressions in DynamoDB";
the grammar of "Comparison operator and function reference".
"""

from statordb.expressions import lexer
from statordb.expressions.condition_parser import ConditionParser
from statordb.expressions.cursor import Cursor
from statordb.expressions.operand_parser import OperandParser
from statordb.expressions.syntax import (
    Action,
    Add,
    Arithmetic,
    ConditionNode,
    Delete,
    Operand,
    ProjectionNode,
    Remove,
    Set,
    UpdateNode,
)

_SECTIONS = frozenset(("SET", "REMOVE", "ADD", "DELETE"))


class Parser:
    """Parses one text once, by one of `condition`, `update` and `projection`; they raise Fault.

    `name_references` and `value_references` then hold the placeholders that appear in it.
    """

    def __init__(self, text: str) -> None:
        self._cursor = Cursor(text)
        self._operands = OperandParser(self._cursor)
        self.name_references = self._operands.name_references
        self.value_references = self._operands.value_references

    def condition(self) -> ConditionNode:
        tree = ConditionParser(self._cursor, self._operands).tree()
        self._operands.finish()
        return tree

    def update(self) -> UpdateNode:
        sections: list[str] = []
        actions: list[Action] = []
        while True:
            section = self._cursor.kind
            if section not in _SECTIONS:
                raise self._cursor.unexpected()
            sections.append(section)
            self._cursor.advance()
            actions.append(self._action(section))
            while self._cursor.kind == ",":
                self._cursor.advance()
                actions.append(self._action(section))
            if self._cursor.kind == lexer.END:
                self._operands.finish()
                return UpdateNode(tuple(sections), tuple(actions))

    def projection(self) -> ProjectionNode:
        paths = [self._operands.path()]
        while self._cursor.kind == ",":
            self._cursor.advance()
            paths.append(self._operands.path())
        self._operands.finish()
        return ProjectionNode(tuple(paths))

    def _action(self, section: str) -> Action:
        path = self._operands.path()
        if section == "REMOVE":
            return Remove(path)
        if section == "SET":
            self._cursor.expect("=")
            return Set(path, self._set_value())
        value = self._operands.value_reference()
        return Add(path, value) if section == "ADD" else Delete(path, value)

    def _set_value(self) -> Operand:
        """An operand, or two with + or - between them, perhaps in parentheses; there is only one such operator."""
        open_parentheses = 0
        while self._cursor.kind == "(":
            self._cursor.advance()
            open_parentheses += 1
        value = self._operands.operand()
        parenthesised = False
        while True:
            if (self._cursor.kind == "+" or self._cursor.kind == "-") and not isinstance(value, Arithmetic):
                operator = self._cursor.advance()
                self._operands.operators += 1
                value = Arithmetic(operator, value, self._operands.operand())
                parenthesised = False
            elif open_parentheses:
                self._cursor.expect(")")
                self._operands.redundant_parentheses |= parenthesised
                self._operands.reject_redundant_parentheses()
                parenthesised = True
                open_parentheses -= 1
            else:
                return value
