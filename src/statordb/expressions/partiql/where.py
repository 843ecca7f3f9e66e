"""WHERE clauses to the trees of conditions, groups within groups kept on a list of our own.

What PartiQL says otherwise than condition expressions becomes what means the same there: `<>` is false where an
attribute is missing, IS MISSING is attribute_not_exists, IS NULL and IS with a type are attribute_type.
"""

from typing import NamedTuple

from statordb.expressions.condition_parser import Group
from statordb.expressions.operands import paths_of
from statordb.expressions.partiql import tokens
from statordb.expressions.partiql.cursor import Cursor
from statordb.expressions.partiql.terms import TermParser, misused, refuse_nested
from statordb.expressions.syntax import (
    And,
    Between,
    Call,
    Comparison,
    ConditionNode,
    In,
    Literal,
    Not,
    Operand,
    Or,
    Path,
    ValueReference,
)
from statordb.model import errors

_COMPARATORS = frozenset(("=", "<>", "!=", "<", "<=", ">", ">="))
_NO_OPERATORS = frozenset(("LIKE", "+", "-", "*", "/", "%", "||"))  # which PartiQL has, and conditions do not
_ENDS = frozenset(("AND", "OR", ")", "ORDER", "RETURNING", "GROUP", "LIMIT", "SET", "REMOVE", ";", tokens.END))
_TYPES = {
    "NULL": "NULL",
    "BOOL": "BOOL",
    "BOOLEAN": "BOOL",
    "STRING": "S",
    "NUMBER": "N",
    "NUMERIC": "N",
    "INT": "N",
    "INTEGER": "N",
    "DECIMAL": "N",
    "BINARY": "B",
    "BLOB": "B",
    "LIST": "L",
    "MAP": "M",
    "STRUCT": "M",
    "TUPLE": "M",
    "STRING_SET": "SS",
    "NUMBER_SET": "NS",
    "BINARY_SET": "BS",
}


class _Group(Group):
    """A group in which a row of NOT is no more than it comes to: what is negated twice may narrow what is read."""

    __slots__ = ()

    def add(self, condition: ConditionNode) -> None:
        self.negations %= 2
        super().add(condition)


class _Term(NamedTuple):
    """What was just read: as an operand, as a condition, or, of a call, as both."""

    operand: Operand | None
    condition: ConditionNode | None


class WhereParser:
    """Reads one condition, up to where it can't go on."""

    def __init__(self, cursor: Cursor, terms: TermParser) -> None:
        self._cursor = cursor
        self._terms = terms

    def tree(self) -> ConditionNode:
        """The whole condition; raises ValidationException."""
        cursor = self._cursor
        groups = [_Group()]
        while True:
            while cursor.kind == "NOT" or cursor.kind == "(":
                if cursor.advance() == "(":
                    groups.append(_Group())
                    refuse_nested(len(groups))
                else:
                    groups[-1].negations += 1
                    self._terms.operators += 1
            done = self._after_term(groups, self._term())
            if done is not None:
                self._terms.refuse_many_operators()
                return done

    def _term(self) -> _Term:
        self._refuse_operator(self._cursor.is_sign_of_a_term())
        operand = self._terms.operand()
        is_condition = isinstance(operand, Call) and operand.function != "size"
        return _Term(operand, operand if isinstance(operand, Call) and is_condition else None)

    def _after_term(self, groups: list[_Group], term: _Term) -> ConditionNode | None:
        """What follows a term, up to the next AND or OR (then None) or the end (then the whole tree).

        A parenthesis opened where a condition may stand can turn out to hold an operand, `(a) = 1`.
        """
        cursor = self._cursor
        while True:
            kind, group = cursor.kind, groups[-1]
            self._refuse_operator(kind in _NO_OPERATORS)
            if term.operand is not None and self._goes_on():
                term = _Term(None, self._comparison(term.operand))
            elif kind == ")" and len(groups) > 1:
                if not group.is_fresh():
                    group.add(self._condition(groups, term))
                    term = _Term(None, group.close())
                cursor.advance()
                groups.pop()
            else:
                group.add(self._condition(groups, term))
                if kind != "AND" and kind != "OR":
                    if len(groups) > 1:
                        raise cursor.unexpected()
                    return group.close()
                cursor.advance()
                self._terms.operators += 1
                if kind == "OR":
                    group.close_conjunction()
                return None

    def _condition(self, groups: list[_Group], term: _Term) -> ConditionNode:
        if term.condition is not None:
            return term.condition
        kind = self._cursor.kind
        if kind not in _ENDS:
            raise self._cursor.unexpected()
        if groups[-1].negations:
            raise errors.validation_as_it_is("The argument to NOT must be a Type or Expression")
        if kind in ("AND", "OR") or any(group.conjuncts or group.disjuncts for group in groups):
            raise errors.validation_as_it_is("The arguments to AND/OR must be Expressions")
        raise errors.validation_as_it_is("WHERE clause must contain an expression that resolves to a boolean")

    def _refuse_operator(self, is_one: bool) -> None:
        """What PartiQL has as an operator, and conditions do not."""
        if is_one:
            operator = self._cursor.kind.lower()
            raise errors.validation_as_it_is(f"Unsupported operator in Condition Expression. Operator: {operator}")

    def _goes_on(self) -> bool:
        """Whether an operand becomes a condition by what follows."""
        cursor = self._cursor
        if cursor.kind == "NOT":
            return cursor.following == "IN" or cursor.following == "BETWEEN"
        return cursor.kind in _COMPARATORS or cursor.kind in ("BETWEEN", "IN", "IS")

    def _comparison(self, left: Operand) -> ConditionNode:
        cursor = self._cursor
        self._terms.operators += 1
        negated = cursor.accept("NOT")
        operator = cursor.kind
        cursor.advance()
        if operator == "IS":
            return self._kind_of(left)
        if operator == "BETWEEN":
            _refuse_condition(left)
            low = self._operand()
            cursor.expect("AND")
            found: ConditionNode = Between(left, low, self._operand())
        elif operator == "IN":
            candidates = self._candidates()
            if _is_condition(left):
                found = Or(tuple(comparison("=", left, candidate) for candidate in candidates))
            else:
                found = In(left, candidates)
        else:
            return comparison(operator, left, self._parenthesised())
        return Not(found) if negated else found

    def _kind_of(self, operand: Operand) -> ConditionNode:
        """Behind IS."""
        cursor = self._cursor
        negated = cursor.accept("NOT")
        if not isinstance(operand, Path):
            raise cursor.unexpected()
        word = cursor.token.text.upper()
        if cursor.kind == "MISSING":
            cursor.advance()
            return Call("attribute_exists" if negated else "attribute_not_exists", (operand,))
        if word not in _TYPES or cursor.kind in (tokens.QUOTED, tokens.STRING):
            raise cursor.unexpected()
        cursor.advance()
        found = Call("attribute_type", (operand, Literal({"S": _TYPES[word]})))
        return Not(found) if negated else found

    def _operand(self) -> Operand:
        operand = self._parenthesised()
        _refuse_condition(operand)
        return operand

    def _parenthesised(self) -> Operand:
        """An operand, perhaps in parentheses."""
        opened = 0
        while self._cursor.accept("("):
            opened += 1
            refuse_nested(opened)
        self._refuse_operator(self._cursor.is_sign_of_a_term())
        operand = self._terms.operand()
        self._refuse_operator(self._cursor.kind in _NO_OPERATORS)
        for _ in range(opened):
            self._cursor.expect(")")
        return operand

    def _candidates(self) -> tuple[Operand, ...]:
        """Behind IN, in brackets or parentheses."""
        cursor = self._cursor
        closing = {"(": ")", "[": "]", "<<": ">>"}.get(cursor.kind)
        if closing is None or cursor.following in (closing, "SELECT"):
            raise errors.validation_as_it_is(
                "IN operator must have a left hand argument of type Variable Reference and right hand argument of "
                "type Seq with at least one member"
            )
        cursor.advance()
        candidates = [self._operand()]
        while cursor.accept(","):
            candidates.append(self._operand())
        cursor.expect(closing)
        return tuple(candidates)


def comparison(operator: str, left: Operand, right: Operand) -> ConditionNode:
    """A comparison of two operands, one of which may be a condition beside TRUE, FALSE or a parameter."""
    for condition, other in ((left, right), (right, left)):
        if isinstance(condition, Call) and _is_condition(condition):
            if operator not in ("=", "<>", "!="):
                raise errors.validation_as_it_is(
                    "Incorrect operand type for operator or function; "
                    f"operator or function: {operator}, operand type: BOOL"
                )
            equal = _equal(condition, other)
            return equal if operator == "=" else Not(equal)
    if operator != "<>" and operator != "!=":
        return Comparison(operator, left, right)
    paths = [path for operand in (left, right) for path in paths_of(operand)]
    there = [Call("attribute_exists", (path,)) for path in paths]
    return And((*there, Comparison("<>", left, right))) if there else Comparison("<>", left, right)


def _equal(condition: Call, other: Operand) -> ConditionNode:
    """Whether a condition is as true as another operand says, which may be of any type."""
    if isinstance(other, Literal):
        truth = other.value.get("BOOL")
        if truth is None:
            return And((condition, Not(condition)))  # never
        return condition if truth else Not(condition)
    if isinstance(other, ValueReference):
        true: ConditionNode = Comparison("=", other, Literal({"BOOL": True}))
        false: ConditionNode = Comparison("=", other, Literal({"BOOL": False}))
    elif isinstance(other, Call) and _is_condition(other):
        true, false = other, Not(other)
    else:
        raise misused(condition.function)
    return Or((And((condition, true)), And((Not(condition), false))))


def _is_condition(operand: Operand) -> bool:
    return isinstance(operand, Call) and operand.function != "size"


def _refuse_condition(operand: Operand) -> None:
    if isinstance(operand, Call) and operand.function != "size":
        raise misused(operand.function)
