"""Tokens to syntax tree. No function calls itself, so that no text, however nested, exhausts the stack.

An error is reported at the first token that no correct expression could have at its place, redundant parentheses where
the outer one closes; too many operators are reported last. Source: developer guide, "Using expressions in DynamoDB";
the grammar of "Comparison operator and function reference".
"""

from statordb.expressions import lexer
from statordb.expressions.faults import Fault
from statordb.expressions.syntax import (
    Action,
    Add,
    And,
    Arithmetic,
    Between,
    Call,
    Comparison,
    ConditionNode,
    Delete,
    In,
    NameReference,
    Not,
    Operand,
    Or,
    Path,
    ProjectionNode,
    Remove,
    Set,
    UpdateNode,
    ValueReference,
)
from statordb.model.limits import EXPRESSION_OPERATORS_MAX

_COMPARATORS = frozenset(("=", "<>", "<", "<=", ">", ">="))
_SECTIONS = frozenset(("SET", "REMOVE", "ADD", "DELETE"))


class _Group:
    """One level of parentheses of a condition, or the whole text: the conditions collected so far."""

    __slots__ = ("conjuncts", "disjuncts", "negations")

    def __init__(self) -> None:
        self.disjuncts: list[ConditionNode] = []
        self.conjuncts: list[ConditionNode] = []
        self.negations = 0

    def is_fresh(self) -> bool:
        return not (self.disjuncts or self.conjuncts or self.negations)

    def add(self, condition: ConditionNode) -> None:
        if self.negations:  # all but one or two of a row of NOT say nothing, and would only make the tree deep
            condition = Not(condition) if self.negations % 2 else Not(Not(condition))
            self.negations = 0
        self.conjuncts.append(condition)

    def close_conjunction(self) -> None:
        conjuncts = self.conjuncts
        self.disjuncts.append(conjuncts[0] if len(conjuncts) == 1 else And(tuple(conjuncts)))
        self.conjuncts = []

    def close(self) -> ConditionNode:
        self.close_conjunction()
        disjuncts = self.disjuncts
        return disjuncts[0] if len(disjuncts) == 1 else Or(tuple(disjuncts))


class Parser:
    """Parses one text once, by one of `condition`, `update` and `projection`; they raise Fault.

    `name_references` and `value_references` then hold the placeholders that appear in it.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = lexer.tokens(text)
        self._position = 0
        self._kind = self._tokens[0].kind
        self._redundant_parentheses = False
        self._operators = 0
        self.name_references: set[str] = set()
        self.value_references: set[str] = set()

    # Whole texts

    def condition(self) -> ConditionNode:
        tree = self._condition()
        self._finish()
        return tree

    def update(self) -> UpdateNode:
        sections: list[str] = []
        actions: list[Action] = []
        while True:
            section = self._kind
            if section not in _SECTIONS:
                raise self._unexpected()
            sections.append(section)
            self._advance()
            actions.append(self._action(section))
            while self._kind == ",":
                self._advance()
                actions.append(self._action(section))
            if self._kind == lexer.END:
                self._finish()
                return UpdateNode(tuple(sections), tuple(actions))

    def projection(self) -> ProjectionNode:
        paths = [self._path()]
        while self._kind == ",":
            self._advance()
            paths.append(self._path())
        self._finish()
        return ProjectionNode(tuple(paths))

    # Tokens

    def _advance(self) -> str:
        """Go to the next token; returns the text of the one left."""
        text = self._tokens[self._position].text
        self._position += 1
        self._kind = self._tokens[self._position].kind
        return text

    def _expect(self, kind: str) -> str:
        if self._kind != kind:
            raise self._unexpected()
        return self._advance()

    def _unexpected(self) -> Fault:
        return Fault(lexer.syntax_error(self._text, self._tokens, self._position))

    def _reject_redundant_parentheses(self) -> None:
        if self._redundant_parentheses:
            raise Fault("The expression has redundant parentheses;")

    def _finish(self) -> None:
        if self._kind != lexer.END:
            raise self._unexpected()
        if self._operators > EXPRESSION_OPERATORS_MAX:
            raise Fault(f"The expression contains too many operators; operator count: {EXPRESSION_OPERATORS_MAX + 1}")

    # Operands

    def _path(self) -> Path:
        parts: list[str | int | NameReference] = [self._name()]
        while True:
            if self._kind == ".":
                self._advance()
                parts.append(self._name())
            elif self._kind == "[":
                self._advance()
                parts.append(int(self._expect(lexer.NUMBER)))
                self._expect("]")
            else:
                return Path(tuple(parts))

    def _name(self) -> str | NameReference:
        if self._kind == lexer.NAME_REFERENCE:
            text = self._advance()
            self.name_references.add(text)
            return NameReference(text)
        return self._expect(lexer.NAME)

    def _value_reference(self) -> ValueReference:
        text = self._expect(lexer.VALUE_REFERENCE)
        self.value_references.add(text)
        return ValueReference(text)

    def _operand(self) -> Operand:
        """A path, a value or a function call, perhaps in parentheses; nested calls wait on a list of our own."""
        waiting: list[
            tuple[str, list[Operand]] | None
        ] = []  # a call's function and operands, or None for a parenthesis
        while True:
            if self._kind == "(":
                self._advance()
                waiting.append(None)
                continue
            operand: Operand
            if self._kind == lexer.VALUE_REFERENCE:
                operand = self._value_reference()
            elif self._kind == lexer.NAME and self._tokens[self._position + 1].kind == "(":
                waiting.append((self._advance(), []))
                self._advance()
                self._operators += 1
                continue
            else:
                operand = self._path()
            completed = self._complete(waiting, operand)
            if completed is not None:
                return completed

    def _complete(self, waiting: list[tuple[str, list[Operand]] | None], operand: Operand) -> Operand | None:
        """Give an operand to the calls and parentheses around it; None where a call goes on with another operand."""
        parenthesised = False
        while waiting:
            frame = waiting[-1]
            if frame is None:
                self._expect(")")
                self._redundant_parentheses |= parenthesised
                parenthesised = True
            else:
                frame[1].append(operand)
                if self._kind == ",":
                    self._advance()
                    return None
                self._expect(")")
                operand = Call(frame[0], tuple(frame[1]))
                parenthesised = False
            waiting.pop()
        return operand

    # Conditions

    def _condition(self) -> ConditionNode:
        groups = [_Group()]
        while True:
            while self._kind == "NOT" or self._kind == "(":
                if self._advance() == "(":
                    groups.append(_Group())
                else:
                    groups[-1].negations += 1
                    self._operators += 1
            term = self._after_term(groups, self._operand_checked())
            if term is not None:
                return term

    def _after_term(self, groups: list[_Group], operand: Operand) -> ConditionNode | None:
        """What follows a term of a condition, up to the next AND or OR (then None) or the end (then the whole tree).

        A parenthesis opened where a condition may stand can turn out to hold an operand, `(a) = :b`, so that for each
        term two things are kept: what it is as an operand and what it is as a condition; a call is both.
        """
        as_operand: Operand | None = operand
        as_condition: ConditionNode | None = operand if isinstance(operand, Call) else None
        parenthesised = False
        while True:
            kind = self._kind
            group = groups[-1]
            if as_operand is not None and (kind in _COMPARATORS or kind == "BETWEEN" or kind == "IN"):
                self._reject_redundant_parentheses()
                as_condition, as_operand = self._comparison(as_operand), None
                parenthesised = False
            elif kind == ")" and len(groups) > 1:
                if not group.is_fresh():
                    as_operand = None
                    if as_condition is None:
                        raise self._unexpected()
                    group.add(as_condition)
                    as_condition = group.close()
                    parenthesised = False
                self._advance()
                groups.pop()
                self._redundant_parentheses |= parenthesised
                if as_condition is not None:
                    self._reject_redundant_parentheses()
                parenthesised = True
            elif as_condition is None:
                raise self._unexpected()
            elif kind == "AND" or kind == "OR":
                self._advance()
                self._operators += 1
                group.add(as_condition)
                if kind == "OR":
                    group.close_conjunction()
                return None
            elif kind == lexer.END and len(groups) == 1:
                group.add(as_condition)
                return group.close()
            else:
                raise self._unexpected()

    def _comparison(self, left: Operand) -> ConditionNode:
        operator = self._kind
        self._advance()
        self._operators += 1
        if operator == "BETWEEN":
            low = self._operand_checked()
            self._expect("AND")
            return Between(left, low, self._operand_checked())
        if operator != "IN":
            return Comparison(operator, left, self._operand_checked())
        self._expect("(")
        candidates = [self._operand_checked()]
        while self._kind == ",":
            self._advance()
            candidates.append(self._operand_checked())
        self._expect(")")
        return In(left, tuple(candidates))

    def _operand_checked(self) -> Operand:
        operand = self._operand()
        self._reject_redundant_parentheses()
        return operand

    # Updates

    def _action(self, section: str) -> Action:
        path = self._path()
        if section == "REMOVE":
            return Remove(path)
        if section == "SET":
            self._expect("=")
            return Set(path, self._set_value())
        value = self._value_reference()
        return Add(path, value) if section == "ADD" else Delete(path, value)

    def _set_value(self) -> Operand:
        """An operand, or two with + or - between them, perhaps in parentheses; there is only one such operator."""
        open_parentheses = 0
        while self._kind == "(":
            self._advance()
            open_parentheses += 1
        value = self._operand_checked()
        parenthesised = False
        while True:
            if (self._kind == "+" or self._kind == "-") and not isinstance(value, Arithmetic):
                operator = self._advance()
                self._operators += 1
                value = Arithmetic(operator, value, self._operand_checked())
                parenthesised = False
            elif open_parentheses:
                self._expect(")")
                self._redundant_parentheses |= parenthesised
                self._reject_redundant_parentheses()
                parenthesised = True
                open_parentheses -= 1
            else:
                return value
