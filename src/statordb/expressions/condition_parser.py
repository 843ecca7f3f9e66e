"""Conditions to trees: AND, OR, NOT, comparisons and parentheses."""

from statordb.expressions import lexer
from statordb.expressions.cursor import Cursor
from statordb.expressions.operand_parser import OperandParser
from statordb.expressions.syntax import And, Between, Call, Comparison, ConditionNode, In, Not, Operand, Or

_COMPARATORS = frozenset(("=", "<>", "<", "<=", ">", ">="))


class Group:
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


class ConditionParser:
    """Reads one condition, groups within groups kept on a list of our own."""

    def __init__(self, cursor: Cursor, operands: OperandParser) -> None:
        self._cursor = cursor
        self._operands = operands

    def tree(self) -> ConditionNode:
        """The whole text's tree."""
        groups = [Group()]
        while True:
            while self._cursor.kind == "NOT" or self._cursor.kind == "(":
                if self._cursor.advance() == "(":
                    groups.append(Group())
                else:
                    groups[-1].negations += 1
                    self._operands.operators += 1
            term = self._after_term(groups, self._operands.operand())
            if term is not None:
                return term

    def _after_term(self, groups: list[Group], operand: Operand) -> ConditionNode | None:
        """What follows a term of a condition, up to the next AND or OR (then None) or the end (then the whole tree).

        A parenthesis opened where a condition may stand can turn out to hold an operand, `(a) = :b`, so that for each
        term two things are kept: what it is as an operand and what it is as a condition; a call is both.
        """
        as_operand: Operand | None = operand
        as_condition: ConditionNode | None = operand if isinstance(operand, Call) else None
        parenthesised = False
        while True:
            kind = self._cursor.kind
            group = groups[-1]
            if as_operand is not None and (kind in _COMPARATORS or kind == "BETWEEN" or kind == "IN"):
                self._operands.reject_redundant_parentheses()
                as_condition, as_operand = self._comparison(as_operand), None
                parenthesised = False
            elif kind == ")" and len(groups) > 1:
                if not group.is_fresh():
                    as_operand = None
                    if as_condition is None:
                        raise self._cursor.unexpected()
                    group.add(as_condition)
                    as_condition = group.close()
                    parenthesised = False
                self._cursor.advance()
                groups.pop()
                self._operands.redundant_parentheses |= parenthesised
                if as_condition is not None:
                    self._operands.reject_redundant_parentheses()
                parenthesised = True
            elif as_condition is None:
                raise self._cursor.unexpected()
            elif kind == "AND" or kind == "OR":
                self._cursor.advance()
                self._operands.operators += 1
                group.add(as_condition)
                if kind == "OR":
                    group.close_conjunction()
                return None
            elif kind == lexer.END and len(groups) == 1:
                group.add(as_condition)
                return group.close()
            else:
                raise self._cursor.unexpected()

    def _comparison(self, left: Operand) -> ConditionNode:
        operator = self._cursor.kind
        self._cursor.advance()
        self._operands.operators += 1
        if operator == "BETWEEN":
            low = self._operands.operand()
            self._cursor.expect("AND")
            return Between(left, low, self._operands.operand())
        if operator != "IN":
            return Comparison(operator, left, self._operands.operand())
        self._cursor.expect("(")
        candidates = [self._operands.operand()]
        while self._cursor.kind == ",":
            self._cursor.advance()
            candidates.append(self._operands.operand())
        self._cursor.expect(")")
        return In(left, tuple(candidates))
