"""The commands of INSERT, UPDATE and DELETE statements, each of one item, and of EXISTS."""

from collections.abc import Coroutine
from typing import Any, NamedTuple

from statordb.commands.applying import checker, refuse_key_updates, replacer, updater
from statordb.commands.context import Context
from statordb.commands.keys import locate_item, located
from statordb.commands.writing import Done, Unmet, write
from statordb.expressions.bound import Condition, UpdateExpression
from statordb.expressions.operands import Values
from statordb.expressions.partiql.keyed import Keyed
from statordb.expressions.partiql.statements import Statement
from statordb.model import errors
from statordb.model.budget import UNBOUNDED, Budget
from statordb.model.values import Item
from statordb.store.image import Image
from statordb.store.table import Apply, Table
from statordb.store.terms import Key, Refused


class InsertItem(NamedTuple):
    """Put an item of `size` bytes where there is none."""

    table: str
    item: Item
    size: int

    @property
    def action(self) -> str:
        return "dynamodb:PartiQLInsert"

    @property
    def index_name(self) -> None:
        return None

    def demands(self) -> "tuple[InsertItem]":
        return (self,)

    def run(self, context: Context) -> Coroutine[Any, Any, Done | Unmet]:
        return write(context, self, True)

    def place(self, table: Table) -> Key:
        return (None if table.indexes else table.primary.usual_key_of(self.item)) or locate_item(table, self.item)

    def apply(self, table: Table, budget: Budget) -> Apply:
        new = Image.of(self.item, self.size)

        def apply(old: Image | None) -> Image | Refused | None:
            return new if old is None else Refused(old)

        return apply


class _ByKey(NamedTuple):
    """What a statement says of one item: where it is, and what else has to be true of it."""

    key: Item
    condition: Condition | None

    @staticmethod
    def of(statement: Statement, values: Values, table: Table, budget: Budget) -> "_ByKey":
        keyed = keyed_of(statement, table)
        condition = None if keyed.rest is None else Condition(keyed.rest, values, budget)
        return _ByKey(keyed.key(values), condition)


def keyed_of(statement: Statement, table: Table) -> Keyed:
    """Raises ValidationException unless the statement names one item by its whole key."""
    keyed = statement.keyed(table.schema)
    if keyed is None or not keyed.exact:
        raise errors.refusing_all("Where clause does not contain a mandatory equality on all key attributes")
    return keyed


class UpdateByKey(NamedTuple):
    """Change an item that is there."""

    statement: Statement
    values: Values

    @property
    def action(self) -> str:
        return "dynamodb:PartiQLUpdate"

    @property
    def table(self) -> str:
        return self.statement.table

    @property
    def index_name(self) -> None:
        return None

    def demands(self) -> "tuple[UpdateByKey]":
        return (self,)

    def run(self, context: Context) -> Coroutine[Any, Any, Done | Unmet]:
        return write(context, self)

    def update(self, budget: Budget = UNBOUNDED) -> UpdateExpression:
        assert self.statement.update is not None
        return UpdateExpression(self.statement.update, self.values, budget)

    def place(self, table: Table) -> Key:
        key = located(table, keyed_of(self.statement, table).key(self.values))
        refuse_key_updates(table, self.update())
        return key

    def apply(self, table: Table, budget: Budget) -> Apply:
        key, condition = _ByKey.of(self.statement, self.values, table, budget)
        change = updater(table, key, self.update(budget), condition, budget)

        def apply(old: Image | None) -> Image | Refused | None:
            return Refused(None) if old is None else change(old)

        return apply


class DeleteByKey(NamedTuple):
    """Delete an item, if it is there. `returns_old`: it is asked for."""

    statement: Statement
    values: Values
    returns_old: bool = True

    @property
    def action(self) -> str:
        return "dynamodb:PartiQLDelete"

    @property
    def table(self) -> str:
        return self.statement.table

    @property
    def index_name(self) -> None:
        return None

    def demands(self) -> "tuple[DeleteByKey]":
        return (self,)

    def run(self, context: Context) -> Coroutine[Any, Any, Done | Unmet]:
        return write(context, self)

    def place(self, table: Table) -> Key:
        return located(table, keyed_of(self.statement, table).key(self.values))

    def apply(self, table: Table, budget: Budget) -> Apply:
        _, condition = _ByKey.of(self.statement, self.values, table, budget)
        delete = replacer(table, None, condition, budget)

        def apply(old: Image | None) -> Image | Refused | None:
            return None if old is None else delete(old)

        return apply


class CheckByKey(NamedTuple):
    """EXISTS: look whether there is an item that meets a WHERE. Only part of a transaction."""

    statement: Statement
    values: Values

    @property
    def action(self) -> str:
        return "dynamodb:PartiQLSelect"

    @property
    def table(self) -> str:
        return self.statement.table

    @property
    def index_name(self) -> None:
        return None

    def place(self, table: Table) -> Key:
        return located(table, keyed_of(self.statement, table).key(self.values))

    def apply(self, table: Table, budget: Budget) -> Apply:
        _, condition = _ByKey.of(self.statement, self.values, table, budget)
        check = checker(table, condition, budget)

        def apply(old: Image | None) -> Image | Refused | None:
            return Refused(None) if old is None else check(old)

        return apply


StatementWrite = InsertItem | UpdateByKey | DeleteByKey
