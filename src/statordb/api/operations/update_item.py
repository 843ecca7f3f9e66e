"""UpdateItem."""

from typing import Any

import orjson

from statordb.api import conditions
from statordb.api.context import Answer, Context, Request, Usual
from statordb.api.keys import attributes_of
from statordb.api.returns import condition_failure, written_answer
from statordb.api.usual import NONE, is_usual, uses_all
from statordb.commands.admitting import admitted_write, give_back
from statordb.commands.capacity import count_write
from statordb.commands.keys import refuse_index_misfits, refuse_nested_keys
from statordb.commands.perform import perform
from statordb.commands.writing import UPDATE_ITEM, Unmet, Update
from statordb.expressions.bound import UpdateExpression
from statordb.expressions.faults import Fault
from statordb.expressions.legacy import reject_mixed
from statordb.expressions.plans import UPDATES
from statordb.model import errors
from statordb.model.budget import Heavy
from statordb.model.errors import ClientError
from statordb.model.usual import usual_size
from statordb.store.table import Apply, Table, Written
from statordb.store.terms import Key

_RETURNS = frozenset(("NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"))
_new = tuple.__new__  # makes a named tuple in half the time of calling its class


def usual_update_item(context: Context, document: Any, _source: object) -> Usual:
    """The short way for an update that has an expression and its names and values, of the usual form, and nothing else
    but what it returns; None for all that needs the checks of `update_item`, which does the same."""
    if document.__class__ is not dict:
        return None
    member = document.get
    name = member("TableName")
    key: Any = member("Key")
    text: Any = member("UpdateExpression")
    names, values = member("ExpressionAttributeNames", NONE), member("ExpressionAttributeValues", NONE)
    returns: Any = member("ReturnValues")
    members = 3 + bool(names) + bool(values) + (returns is not None)
    if name.__class__ is not str or len(document) != members or not _is_known(returns):
        return None
    table = context.known_table(name)
    if table is None:
        return None
    budget = context.new_budget()
    try:
        if usual_size(key) < 0 or not is_usual(text, names, values):
            return None
        place = table.primary.usual_key(key)
        plan = UPDATES.plan(text, names, values, budget)
        refuse_nested_keys(table, plan.nested_attributes)
        update = UpdateExpression(plan, values, budget)
        if table.indexes:
            refuse_index_misfits(table, update)
    except (ClientError, Fault):
        return None
    if place is None or not uses_all(plan, names, values):
        return None
    if not plan.attributes.isdisjoint(table.key_names):
        return None
    command = _new(Update, (name, key, update, None, plan.overhead))
    if not context.knows(UPDATE_ITEM, name) and not context.admits(command, document):
        return None
    apply = admitted_write(table, place, command.apply(table, budget))
    return _update(table, place, apply, returns, update)


def _is_known(returns: Any) -> bool:
    return returns is None or (returns.__class__ is str and returns in _RETURNS)


async def _update(table: Table, key: Key, apply: Apply, returns: str | None, update: UpdateExpression) -> Answer:
    try:
        written = await table.write(key, apply)
    except Heavy:
        give_back(writes=(table,))
        raise
    assert written.__class__ is Written, "what has no condition is not refused"
    count_write(table, written)
    attributes = _attributes(returns, update, written)
    return b"{}" if attributes is None else b"".join((b'{"Attributes":', attributes, b"}"))


async def update_item(context: Context, request: Request) -> Answer:
    try:
        reject_mixed(
            request,
            ("UpdateExpression", "ConditionExpression"),
            ("AttributeUpdates", "Expected", "ConditionalOperator"),
        )
        item_key = attributes_of(request, "Key")
        bound = conditions.placeholders(request, context.budget)
        update = conditions.update(request, bound)
        condition = conditions.condition(request, bound)
        bound.finish()
    except ClientError as fault:
        raise errors.of_detection(fault) from None

    overhead = 0 if update is None else update.overhead
    done = await perform(context, Update(request["TableName"], item_key, update, condition, overhead))
    if isinstance(done, Unmet):
        raise condition_failure(request, done)
    attributes = _attributes(request.get("ReturnValues"), update, done.written)
    return await written_answer(request, done, item_key, attributes)


def _attributes(returns: str | None, update: UpdateExpression | None, written: Written) -> bytes | None:
    """JSON of the attributes that ReturnValues asks for; None for no member at all."""
    if returns is None or returns == "NONE":
        return None
    image = written.old if returns.endswith("OLD") else written.new
    if image is None:
        return None
    if returns.startswith("ALL"):
        return image.text
    touched = update.touched(image.item) if update is not None else {}
    return orjson.dumps(touched) if touched else None
