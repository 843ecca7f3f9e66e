"""GetItem."""

from typing import Any

from statordb.api import conditions
from statordb.api.answers import wanted
from statordb.api.context import Answer, Context, Request, Usual
from statordb.api.keys import attributes_of
from statordb.commands.capacity import Meter, count_read, count_text
from statordb.commands.getting import GET_ITEM, Get
from statordb.commands.perform import perform
from statordb.expressions.legacy import reject_mixed
from statordb.metering.units import read_units
from statordb.store import codec
from statordb.store.table import Table
from statordb.store.terms import Key

_new = tuple.__new__  # makes a named tuple in half the time of calling its class


def usual_get_item(context: Context, document: Any, _source: object) -> Usual:
    """The short way for what nearly every request is; None for all that needs the checks of `get_item`.

    A document that is taken here has the right shape: a table that is known by just this name, its primary key and
    nothing else, perhaps ConsistentRead.
    """
    if document.__class__ is not dict or not 2 <= len(document) <= 3:
        return None
    name, key = document.get("TableName"), document.get("Key")
    consistent = document.get("ConsistentRead") if len(document) == 3 else False
    if name.__class__ is not str or key.__class__ is not dict or consistent.__class__ is not bool:
        return None
    table = context.known_table(name)
    if table is None:
        return None
    primary = table.primary
    place = primary.usual_place(key) if len(key) == primary.key_attributes else None
    if place is None:
        return None
    if not context.knows(GET_ITEM, name) and not context.admits(_new(Get, (name, key, None, consistent)), document):
        return None
    here, (partition, sort) = table.here, place
    if table.throttle is not None:
        table.throttle.admit_read(partition)
    if here is None:
        return _read(table, Key(table.space, partition, sort), consistent)
    text = here.body(table.space, partition, sort, codec.HEADER_BYTES)
    if text is None:
        count_text(table, 0, consistent)
        return b"{}"
    if not count_text(table, len(text), consistent):
        head = here.head(table.space, partition, sort, codec.HEADER_BYTES)
        count_read(table, 0 if head is None else codec.size(head), consistent)
    return b"".join((b'{"Item":', text, b"}"))


async def _read(table: Table, key: Key, consistent: bool) -> Answer:
    stored = await table.get(key, consistent)
    if stored is None:
        count_text(table, 0, consistent)
        return b"{}"
    body = stored.body
    count_read(table, codec.size(body), consistent)
    return b"".join((b'{"Item":', codec.text(body), b"}"))


async def get_item(context: Context, request: Request) -> Answer:
    reject_mixed(request, ("ProjectionExpression",), ("AttributesToGet",))
    item_key = attributes_of(request, "Key")
    bound = conditions.placeholders(request, context.budget)
    projection = conditions.projection(request, bound)
    bound.finish()
    consistent = request.get("ConsistentRead") is True
    found = await perform(context, Get(request["TableName"], item_key, projection, consistent))
    answer: dict[str, Any] = {}
    detail = wanted(request)
    if detail is not None:
        meter = Meter(found.table, request["TableName"])
        meter.add(read_units(found.size, consistent))
        answer["ConsumedCapacity"] = meter.report(detail)
    return answer if found.text is None else codec.splice(answer, "Item", found.text)
