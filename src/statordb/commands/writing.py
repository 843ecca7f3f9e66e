"""The commands that write one item: Put, Update and Delete; and Check, which looks at one within a transaction."""

from collections.abc import Coroutine
from typing import Any, NamedTuple, Protocol

from statordb.commands.admitting import admitted_write, give_back
from statordb.commands.applying import checker, refuse_key_updates, replacer, updater
from statordb.commands.capacity import count_unmet, count_write
from statordb.commands.context import Context
from statordb.commands.keys import locate_key, located_item
from statordb.expressions.bound import Condition, UpdateExpression
from statordb.metering.series import STANDARD
from statordb.model.budget import Budget, Heavy
from statordb.model.values import Item
from statordb.store.image import Image
from statordb.store.table import Apply, Table, Written
from statordb.store.terms import Key, Refused

PUT_ITEM, UPDATE_ITEM = "dynamodb:PutItem", "dynamodb:UpdateItem"

_new = tuple.__new__  # makes a named tuple in half the time of calling its class


class Done(NamedTuple):
    """A write that was made."""

    table: Table
    written: Written


class Unmet(NamedTuple):
    """A condition that did not hold, and the item as it was: nothing was written."""

    old: Image | None


class Write(Protocol):
    """What the commands of this file have in common: they are writes by themselves, in batches and in transactions."""

    @property
    def table(self) -> str: ...

    def place(self, table: Table) -> Key:
        """Where it goes; raises ValidationException unless it fits the table."""
        ...

    def apply(self, table: Table, budget: Budget) -> Apply:
        """What it makes of the item. A refusal's reason is the item as it was; raises ValidationException, Heavy."""
        ...


class Put(NamedTuple):
    """Put an item of `size` bytes in the place of what is there. `returns_old`: what was there is asked for."""

    table: str
    item: Item
    size: int
    condition: Condition | None
    returns_old: bool = True

    @property
    def action(self) -> str:
        return PUT_ITEM

    @property
    def index_name(self) -> None:
        return None

    def demands(self) -> "tuple[Put]":
        return (self,)

    def run(self, context: Context) -> Coroutine[Any, Any, Done | Unmet]:
        return write(context, self, self.condition is None and not self.returns_old, self.size)

    def place(self, table: Table) -> Key:
        return located_item(table, self.item)

    def apply(self, table: Table, budget: Budget) -> Apply:
        return replacer(table, Image.of(self.item, self.size), self.condition, budget)


class Update(NamedTuple):
    """Change an item; without an update it is made if it is not there.

    `overhead`: bytes that count beside the new item without its key, where the update stands alone; a transaction's are
    measured like a put.
    """

    table: str
    key: Item
    update: UpdateExpression | None
    condition: Condition | None
    overhead: int = 0

    @property
    def action(self) -> str:
        return UPDATE_ITEM

    @property
    def index_name(self) -> None:
        return None

    def demands(self) -> "tuple[Update]":
        return (self,)

    def run(self, context: Context) -> Coroutine[Any, Any, Done | Unmet]:
        return write(context, self)

    def place(self, table: Table) -> Key:
        key = table.primary.usual_key(self.key) or locate_key(table, self.key)
        refuse_key_updates(table, self.update)
        return key

    def apply(self, table: Table, budget: Budget) -> Apply:
        return updater(table, self.key, self.update, self.condition, budget, self.overhead)


class Delete(NamedTuple):
    """Delete an item, if it is there. `returns_old`: as of a put."""

    table: str
    key: Item
    condition: Condition | None
    returns_old: bool = True

    @property
    def action(self) -> str:
        return "dynamodb:DeleteItem"

    @property
    def index_name(self) -> None:
        return None

    def demands(self) -> "tuple[Delete]":
        return (self,)

    def run(self, context: Context) -> Coroutine[Any, Any, Done | Unmet]:
        return write(context, self, self.condition is None and not self.returns_old)

    def place(self, table: Table) -> Key:
        return table.primary.usual_key(self.key) or locate_key(table, self.key)

    def apply(self, table: Table, budget: Budget) -> Apply:
        return replacer(table, None, self.condition, budget)


class Check(NamedTuple):
    """Look whether an item meets a condition. Only part of a transaction, which writes nothing if it does not."""

    table: str
    key: Item
    condition: Condition | None

    @property
    def action(self) -> str:
        return "dynamodb:ConditionCheckItem"

    @property
    def index_name(self) -> None:
        return None

    def place(self, table: Table) -> Key:
        return locate_key(table, self.key)

    def apply(self, table: Table, budget: Budget) -> Apply:
        return checker(table, self.condition, budget)


async def write(
    context: Context, command: Write, replaces: bool = False, sent: int = 0, kind: str = STANDARD
) -> Done | Unmet:
    """Do a write by itself. `replaces`: see `Table.write`. `sent`: bytes of the item that it puts; `kind`: of units."""
    table = context.known_table(command.table) or await context.table(command.table)
    key = command.place(table)
    apply = admitted_write(table, key, command.apply(table, context.budget))
    try:
        written: Any = await table.write(key, apply, False, replaces)
    except Heavy:
        give_back(writes=(table,))
        raise
    if written.__class__ is Refused:
        count_unmet(table, written.reason, sent, kind)
        return Unmet(written.reason)
    count_write(table, written, kind)
    return _new(Done, (table, written))
