"""What the three operations of PartiQL have in common: the commands of statements, and what RETURNING asks for."""

from collections.abc import Mapping
from typing import Any

import orjson

from statordb.api.context import Context
from statordb.commands.statement_reads import SelectItems
from statordb.commands.statement_writes import CheckByKey, DeleteByKey, InsertItem, StatementWrite, UpdateByKey
from statordb.commands.writing import Done
from statordb.expressions.partiql.statement_tree import Delete, Insert, Select, Update
from statordb.expressions.partiql.statements import STATEMENTS
from statordb.model import errors
from statordb.model.limits import ITEM_BYTES_MAX
from statordb.model.values import check_item

StatementCommand = SelectItems | StatementWrite | CheckByKey

NO_EXISTS = "EXISTS can only be used in ExecuteTransaction write requests."


def command_of(context: Context, asked: Mapping[str, Any]) -> StatementCommand:
    """The command of a statement and its parameters; raises ValidationException for all that needs no table.

    `asked`: a request of ExecuteStatement, or a member of the others' lists.
    """
    statement = STATEMENTS.statement(asked["Statement"], context.budget)
    values = statement.values(asked.get("Parameters"), context.budget)
    node = statement.node
    if isinstance(node, Select):
        if node.exists:
            return CheckByKey(statement, values)
        return SelectItems(statement, values, asked.get("ConsistentRead") is True)
    if isinstance(node, Insert):
        item = statement.item(values)
        size = check_item(item)
        if size > ITEM_BYTES_MAX:
            raise errors.item_too_large()
        return InsertItem(statement.table, item, size)
    if isinstance(node, Update):
        return UpdateByKey(statement, values)
    return DeleteByKey(statement, values)


def returned(statement: StatementWrite, done: Done) -> bytes | None:
    """JSON of what RETURNING asks for; None where there is nothing."""
    node = None if isinstance(statement, InsertItem) else statement.statement.node
    returning = node.returning if isinstance(node, Update | Delete) else None
    if returning is None:
        return None
    image = done.written.old if returning.endswith("OLD") else done.written.new
    if image is None:
        return None
    if returning.startswith("ALL"):
        return image.text
    assert isinstance(statement, UpdateByKey)
    touched = statement.update().touched(image.item)
    return orjson.dumps(touched) if touched else None
