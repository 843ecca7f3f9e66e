"""Statements to trees. Source: developer guide, "PartiQL statements for DynamoDB".

What is wrong with a statement's words is told behind "Statement wasn't well formed, can't be processed: "; what is
wrong with what they mean, without that.
"""

from collections.abc import Callable
from typing import NamedTuple

from statordb.expressions.partiql import tokens
from statordb.expressions.partiql.assignments import AssignmentParser
from statordb.expressions.partiql.cursor import Cursor
from statordb.expressions.partiql.literals import BEGINNINGS
from statordb.expressions.partiql.statement_tree import (
    Delete,
    Insert,
    Order,
    Parameters,
    Select,
    Selected,
    Source,
    StatementNode,
    Update,
)
from statordb.expressions.partiql.terms import TermParser
from statordb.expressions.partiql.where import WhereParser
from statordb.expressions.syntax import ConditionNode
from statordb.model import errors

_SOURCE_PARTS_MAX = 2
_JOINS = frozenset(("CROSS", "INNER", "LEFT", "RIGHT", "FULL", "OUTER"))


class Parsed(NamedTuple):
    """A statement's tree, and what it takes of its parameters."""

    node: StatementNode
    parameters: Parameters


def parse(text: str) -> Parsed:
    """Parse a statement; raises ValidationException."""
    parser = _Parser(text)
    return Parsed(parser.statement(), parser.parameters)


class _Parser:
    """Parses one statement once."""

    def __init__(self, text: str) -> None:
        self._cursor = Cursor(text)
        self._terms = TermParser(self._cursor)
        self._assignments = AssignmentParser(self._cursor, self._terms)
        self.parameters = self._terms.parameters

    def statement(self) -> StatementNode:
        cursor = self._cursor
        statements: dict[str, Callable[[], StatementNode]] = {
            "SELECT": self._select,
            "INSERT": self._insert,
            "UPDATE": self._update,
            "FROM": self._update_from,
            "DELETE": self._delete,
            "EXISTS": self._exists,
        }
        read = statements.get(cursor.kind)
        if read is None:
            raise errors.ill_formed_statement("Expected data manipulation")
        cursor.advance()
        node = read()
        self._end()
        return node

    def _end(self) -> None:
        """The end of the text, perhaps behind a semicolon."""
        self._cursor.accept(";")
        if self._cursor.kind != tokens.END:
            raise self._cursor.left_over()

    # SELECT

    def _select(self) -> Select:
        cursor = self._cursor
        if cursor.kind == "DISTINCT":
            raise errors.validation_as_it_is("Unsupported token in expression: DISTINCT")
        if cursor.kind == "VALUE":
            raise errors.validation_as_it_is("Select projection doesn't support value or pivot keywords")
        projection = None if cursor.accept("*") else self._projection()
        begin = cursor.position
        cursor.expect("FROM")
        if cursor.kind in BEGINNINGS or cursor.kind == "(" or cursor.calls():
            raise errors.validation_as_it_is("Unexpected from source")
        source = self._source()
        if cursor.kind == "," or cursor.kind == "JOIN" or cursor.token.text.upper() in _JOINS:
            raise errors.validation_as_it_is("Only select from a single table or index is supported.")
        self._refuse_alias()
        where = self._where()
        if cursor.kind == "GROUP":
            raise errors.validation_as_it_is("Unsupported clause: GROUP BY")
        order = self._order()
        if cursor.accept("LIMIT"):
            self._refuse_limit()
        return Select(source, projection, where, order, cursor.digest_since(begin))

    def _refuse_limit(self) -> None:
        """PartiQL's own LIMIT, which is told once the whole text is known to be a statement."""
        place = self._cursor.place()
        self._terms.operand()
        self._end()
        raise errors.validation_as_it_is(f"Unsupported clause: LIMIT at {place}")

    def _projection(self) -> tuple[Selected, ...]:
        selected = [self._selected()]
        while self._cursor.accept(","):
            selected.append(self._selected())
        self._refuse_alias()
        return tuple(selected)

    def _selected(self) -> Selected:
        cursor = self._cursor
        if cursor.calls() or cursor.kind in BEGINNINGS or cursor.kind == "CASE":
            raise errors.validation_as_it_is(f"Unexpected path component at {cursor.place()}")
        path = self._terms.path()
        if cursor.kind == "+" or cursor.kind == "-":
            raise errors.validation_as_it_is(f"Unexpected path component at {cursor.place()}")
        # A value is named by the last of its path's names, with the indexes behind it.
        last = max(position for position, part in enumerate(path.parts) if isinstance(part, str))
        indexes = "".join(f"[{part}]" for part in path.parts[last + 1 :])
        return Selected(f"{path.parts[last]}{indexes}", path)

    def _order(self) -> tuple[Order, ...]:
        cursor = self._cursor
        if not cursor.accept("ORDER"):
            return ()
        cursor.expect("BY")
        order: dict[str, Order] = {}
        while not order or cursor.accept(","):
            each = self._order_key()
            order.setdefault(each.attribute, each)  # what is in order stays so
        return tuple(order.values())

    def _order_key(self) -> Order:
        path = self._terms.path()
        if len(path.parts) > 1:
            raise errors.validation_as_it_is("Argument to ORDER BY must be of type VariableReference. Type: PATH")
        descending = self._cursor.accept("DESC")
        if not descending:
            self._cursor.accept("ASC")
        return Order(str(path.parts[0]), descending)

    def _exists(self) -> Select:
        cursor = self._cursor
        cursor.expect("(")
        cursor.expect("SELECT")
        select = self._select()
        cursor.expect(")")
        return Select(select.source, select.projection, select.where, select.order, select.subject, exists=True)

    # Writes

    def _insert(self) -> Insert:
        cursor = self._cursor
        cursor.expect("INTO")
        source = self._source()
        if cursor.kind != "VALUE":
            if cursor.kind in tokens.KEYWORDS or cursor.kind == "(":  # VALUES, and names of columns
                raise errors.ill_formed_statement("Unexpected keyword")
            raise cursor.left_over()
        cursor.advance()
        if cursor.kind != "{" and cursor.kind in BEGINNINGS:
            raise errors.validation_as_it_is(
                "Unsupported format in item expression. Please use struct format {...} to express item values for "
                f"insert statement. at {cursor.place()}"
            )
        if cursor.kind != "{":
            raise cursor.unexpected()
        item = self._terms.value()
        if cursor.kind == "RETURNING":
            raise errors.validation_as_it_is("RETURNING is not supported in INSERT")
        return Insert(source, item)

    def _update(self) -> Update:
        source = self._source()
        self._refuse_alias()
        update = self._assignments.update()
        return Update(source, update, self._where(), self._returning())

    def _update_from(self) -> Update:
        """UPDATE with its table first: FROM ... WHERE ... SET ..."""
        source = self._source()
        self._refuse_alias()
        where = self._where()
        update = self._assignments.update()
        return Update(source, update, where, self._returning())

    def _delete(self) -> Delete:
        self._cursor.expect("FROM")
        source = self._source()
        self._refuse_alias()
        where = self._where()
        returning = self._returning()
        if returning is not None and returning != "ALL OLD":
            raise errors.validation_as_it_is(
                f"Invalid returning clause: RETURNING {returning} *. "
                "Only RETURNING ALL OLD * is allowed in DELETE statements."
            )
        return Delete(source, where, returning)

    def _returning(self) -> str | None:
        cursor = self._cursor
        if not cursor.accept("RETURNING"):
            return None
        words = []
        for pair in (("ALL", "MODIFIED"), ("OLD", "NEW")):
            word = next((word for word in pair if cursor.accept_word(word)), None)
            if word is None:
                raise cursor.unexpected()
            words.append(word)
        if cursor.kind != "*" and cursor.kind != tokens.END:
            raise errors.validation_as_it_is("Expected '*' after ( MODIFIED | ALL ) ( NEW | OLD ) in RETURNING clause")
        cursor.expect("*")
        if cursor.kind == ",":
            raise errors.validation_as_it_is("Invalid syntax with multiple returning elements in RETURNING clause")
        return " ".join(words)

    # What they have in common

    def _source(self) -> Source:
        cursor = self._cursor
        parts = [self._terms.name()]
        while cursor.accept("."):
            parts.append(self._terms.name())
        if len(parts) > _SOURCE_PARTS_MAX:
            raise errors.validation_as_it_is("A path may contain at most 2 components in the FROM clause")
        return Source(parts[0], parts[1] if len(parts) > 1 else None)

    def _refuse_alias(self) -> None:
        if self._cursor.kind == "AS" or self._cursor.is_identifier():
            raise errors.validation_as_it_is("Aliasing is not supported")

    def _where(self) -> ConditionNode | None:
        return WhereParser(self._cursor, self._terms).tree() if self._cursor.accept("WHERE") else None
