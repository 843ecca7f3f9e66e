"""PutItem."""

from typing import Any

from statordb.api import conditions
from statordb.api.context import Answer, Context, Request, Usual
from statordb.api.returns import condition_failure, written_answer
from statordb.commands.keys import index_fault
from statordb.commands.perform import perform
from statordb.commands.writing import Put, Unmet
from statordb.expressions.legacy import reject_mixed
from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.model.limits import ITEM_BYTES_MAX
from statordb.model.usual import usual_size
from statordb.model.values import check_item
from statordb.store.table import Apply, Table
from statordb.store.terms import Key

_new = tuple.__new__  # makes a named tuple in half the time of calling its class


def usual_put_item(context: Context, document: Any, _source: object) -> Usual:
    """The short way for a put of just a table and an item of the usual form; None for all that needs the checks of
    `put_item`, which does the same."""
    if document.__class__ is not dict or len(document) != 2:
        return None
    name, item = document.get("TableName"), document.get("Item")
    if name.__class__ is not str or item.__class__ is not dict:
        return None
    table = context.known_table(name)
    if table is None:
        return None
    try:
        size = usual_size(item)
    except ClientError:
        return None
    if not 0 <= size <= ITEM_BYTES_MAX:
        return None
    key = table.primary.usual_key_of(item)
    if key is None or (table.indexes and index_fault(table, item) is not None):
        return None
    command = _new(Put, (name, item, size, None, False))
    context.admit(command)
    return _put(table, key, command.apply(table, context.new_budget()))


async def _put(table: Table, key: Key, apply: Apply) -> Answer:
    await table.write(key, apply, False, True)
    return b"{}"


async def put_item(context: Context, request: Request) -> Answer:
    plain = len(request) == 2  # nothing but the table's name and the item
    item = request["Item"]
    condition = None
    try:
        if not plain:
            reject_mixed(request, ("ConditionExpression",), ("Expected", "ConditionalOperator"))
        size = check_item(item)
        returns = request.get("ReturnValues")
        if returns is not None and returns not in ("ALL_OLD", "NONE"):
            raise errors.validation("ReturnValues can only be ALL_OLD or NONE")
        if size > ITEM_BYTES_MAX:
            raise errors.item_too_large()
        if not plain:
            bound = conditions.placeholders(request, context.budget)
            condition = conditions.condition(request, bound)
            bound.finish()
    except ClientError as fault:
        raise errors.of_detection(fault) from None

    done = await perform(context, Put(request["TableName"], item, size, condition, returns == "ALL_OLD"))
    if isinstance(done, Unmet):
        raise condition_failure(request, done)
    if plain:
        return b"{}"
    old = done.written.old if returns == "ALL_OLD" else None
    return await written_answer(request, done, item, old.text if old is not None else None)
