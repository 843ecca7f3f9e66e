"""The commands of INSERT, UPDATE and DELETE statements, each of one item, and of EXISTS."""

from collections.abc import Coroutine
from typing import Any, NamedTuple

from statordb.commands.applying import checker, refuse_key_updates, replacer, updater
from statordb.commands.context import Context
from statordb.commands.keys import locate_item, located, usual_item_key
from statordb.commands.statement_keys import refuse_misfits, refuse_other_keys, refuse_unfit_item
from statordb.commands.writing import Done, Unmet, write
from statordb.expressions.bound import Condition, UpdateExpression
from statordb.expressions.operands import Values
from statordb.expressions.partiql.keyed import Keyed
from statordb.expressions.partiql.statements import Statement
from statordb.metering.series import PARTIQL, STANDARD
from statordb.model import errors
from statordb.model.budget import UNBOUNDED, Budget
from statordb.model.values import Item
from statordb.store.image import Image
from statordb.store.table import Apply, Table
from statordb.store.terms import Key, Refused

PARTIQL_WRITE = PARTIQL + STANDARD


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
        return write(context, self, True, self.size, PARTIQL_WRITE)

    def place(self, table: Table) -> Key:
        key = usual_item_key(table, self.item)
        if key is None:
            refuse_unfit_item(table.schema, self.item)
            key = locate_item(table, self.item)
        return key

    def apply(self, table: Table, budget: Budget) -> Apply:
        new = Image.of(self.item, self.size)

        def apply(old: Image | None) -> Image | Refused | None:
            return new if old is None else Refused(old)

        return apply


class _OneItem(NamedTuple):
    """A statement about one item, and its parameters. `failing`: what the refusal of an EXISTS begins with."""

    statement: Statement
    values: Values
    failing: str = ""

    @property
    def table(self) -> str:
        return self.statement.table

    @property
    def index_name(self) -> None:
        return None

    def place(self, table: Table) -> Key:
        """Where the item is; raises ValidationException unless the statement names its whole key."""
        keyed = self.keyed(table)
        refuse_misfits(table.schema, keyed, self.values)
        return located(table, keyed.key(self.values))

    def keyed(self, table: Table) -> Keyed:
        """Raises as `place`."""
        keyed = self.statement.keyed(table.schema)
        if keyed is None or not keyed.exact:
            raise errors.refusing_all("Where clause does not contain a mandatory equality on all key attributes")
        if keyed.again:
            refuse_other_keys(keyed, self.values)
        return keyed

    def condition(self, table: Table, budget: Budget) -> Condition | None:
        """What has to be true of the item beyond its key; None: nothing."""
        rest = self.keyed(table).rest
        return None if rest is None else Condition(rest, self.values, budget)


class UpdateByKey(_OneItem):
    """Change an item that is there."""

    __slots__ = ()

    @property
    def action(self) -> str:
        return "dynamodb:PartiQLUpdate"

    def demands(self) -> "tuple[UpdateByKey]":
        return (self,)

    def run(self, context: Context) -> Coroutine[Any, Any, Done | Unmet]:
        return write(context, self, kind=PARTIQL_WRITE)

    def update(self, budget: Budget = UNBOUNDED) -> UpdateExpression:
        assert self.statement.update is not None
        return UpdateExpression(self.statement.update, self.values, budget)

    def place(self, table: Table) -> Key:
        key = super().place(table)
        refuse_key_updates(table, self.update())
        return key

    def apply(self, table: Table, budget: Budget) -> Apply:
        key, condition = self.keyed(table).key(self.values), self.condition(table, budget)
        change = updater(table, key, self.update(budget), condition, budget)

        def apply(old: Image | None) -> Image | Refused | None:
            return Refused(None) if old is None else change(old)

        return apply


class DeleteByKey(_OneItem):
    """Delete an item, if it is there."""

    __slots__ = ()

    @property
    def action(self) -> str:
        return "dynamodb:PartiQLDelete"

    def demands(self) -> "tuple[DeleteByKey]":
        return (self,)

    def run(self, context: Context) -> Coroutine[Any, Any, Done | Unmet]:
        return write(context, self, kind=PARTIQL_WRITE)

    def apply(self, table: Table, budget: Budget) -> Apply:
        delete = replacer(table, None, self.condition(table, budget), budget)

        def apply(old: Image | None) -> Image | Refused | None:
            return None if old is None else delete(old)

        return apply


class CheckByKey(_OneItem):
    """EXISTS: look whether there is an item that meets a WHERE. Only part of a transaction."""

    __slots__ = ()

    def keyed(self, table: Table) -> Keyed:
        keyed = self.statement.keyed(table.schema)
        if keyed is None or not keyed.exact or keyed.rest is None:
            raise errors.refusing_all(
                f"{self.failing}EXISTS() must contain a single item read with additional condition"
            )
        return keyed

    @property
    def action(self) -> str:
        return "dynamodb:PartiQLSelect"

    def apply(self, table: Table, budget: Budget) -> Apply:
        check = checker(table, self.condition(table, budget), budget)

        def apply(old: Image | None) -> Image | Refused | None:
            return Refused(None) if old is None else check(old)

        return apply


StatementWrite = InsertItem | UpdateByKey | DeleteByKey
