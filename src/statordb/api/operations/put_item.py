"""PutItem."""

from typing import Any

from statordb.api import conditions
from statordb.api.context import Answer, Context, Request, Usual
from statordb.api.returns import condition_failure, written_answer
from statordb.api.usual import NONE, is_usual, uses_all
from statordb.commands.admitting import admitted_write, give_back
from statordb.commands.capacity import count_unmet, count_write
from statordb.commands.keys import usual_item_key
from statordb.commands.perform import perform
from statordb.commands.writing import PUT_ITEM, Put, Unmet
from statordb.expressions.bound import Condition
from statordb.expressions.faults import Fault
from statordb.expressions.legacy import reject_mixed
from statordb.expressions.plans import CONDITIONS
from statordb.model import errors
from statordb.model.budget import Budget, Heavy
from statordb.model.errors import ClientError
from statordb.model.limits import ITEM_BYTES_MAX
from statordb.model.usual import usual_size
from statordb.model.values import check_item
from statordb.store.table import Apply, Table
from statordb.store.terms import Key, Refused

_new = tuple.__new__  # makes a named tuple in half the time of calling its class


def usual_put_item(context: Context, document: Any, _source: object) -> Usual:
    """The short way for a put of just a table and an item of the usual form, perhaps on a condition; None for all that
    needs the checks of `put_item`, which does the same."""
    if document.__class__ is not dict:
        return None
    name, item = document.get("TableName"), document.get("Item")
    if name.__class__ is not str or item.__class__ is not dict:
        return None
    table = context.known_table(name)
    if table is None:
        return None
    budget = context.new_budget()
    condition = None
    try:
        if len(document) != 2:
            condition = _usual_condition(document, budget)
            if condition is None:
                return None
        size = usual_size(item)
    except (ClientError, Fault):
        return None
    if not 0 <= size <= ITEM_BYTES_MAX:
        return None
    key = usual_item_key(table, item)
    if key is None:
        return None
    command = _new(Put, (name, item, size, condition, False))
    if not context.knows(PUT_ITEM, name) and not context.admits(command, document):
        return None
    apply = admitted_write(table, key, command.apply(table, budget))
    return _put(table, key, apply, condition is None, size)


def _usual_condition(document: Request, budget: Budget) -> Condition | None:
    """The condition of a put, with which nothing else is asked for. Raises ClientError or Fault for what is wrong."""
    text: Any = document.get("ConditionExpression")
    names: Any = document.get("ExpressionAttributeNames", NONE)
    values: Any = document.get("ExpressionAttributeValues", NONE)
    if len(document) != 3 + bool(names) + bool(values) or not is_usual(text, names, values):
        return None
    plan = CONDITIONS.plan(text, names, values, budget)
    return Condition(plan, values, budget) if uses_all(plan, names, values) else None


async def _put(table: Table, key: Key, apply: Apply, replaces: bool, size: int) -> Answer:
    try:
        written: Any = await table.write(key, apply, False, replaces)
    except Heavy:
        give_back(writes=(table,))
        raise
    if written.__class__ is Refused:
        count_unmet(table, written.reason, size)
        raise errors.conditional_check_failed()
    count_write(table, written)
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
