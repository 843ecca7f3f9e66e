"""GetItem."""

from typing import Any

from statordb.api import conditions
from statordb.api.capacity import Meter, read_units, wanted
from statordb.api.context import Answer, Context, Request
from statordb.api.keys import attributes_of, locate_key
from statordb.expressions.legacy import reject_mixed
from statordb.store import codec

_PLAIN = frozenset(("TableName", "Key", "ConsistentRead"))
_BODY = codec.HEADER_BYTES


async def get_item(context: Context, request: Request) -> Answer:
    if request.keys() <= _PLAIN:  # the short way: nothing to cut, nothing unusual about the key
        principal = context.principal
        known = context.store.catalog.cached(principal.account, principal.region, request["TableName"])
        if known is not None and known.settled:
            usual = known.primary.usual_key(request["Key"])
            if usual is not None:
                stored = await known.get(usual, request.get("ConsistentRead") is True)
                return b"{}" if stored is None else b'{"Item":%b}' % stored[0][_BODY:]

    reject_mixed(request, ("ProjectionExpression",), ("AttributesToGet",))
    item_key = attributes_of(request, "Key")
    bound = conditions.placeholders(request)
    projection = conditions.projection(request, bound)
    bound.finish()

    table = await context.table(request["TableName"])
    key = locate_key(table, item_key)
    consistent = request.get("ConsistentRead") is True
    stored = await table.get(key, consistent)
    answer: dict[str, Any] = {}
    detail = wanted(request)
    if detail is not None:
        meter = Meter(table)
        meter.add(read_units(0 if stored is None else codec.size(stored.body), consistent))
        answer["ConsumedCapacity"] = meter.report(detail)
    if stored is None:
        return answer
    if projection is None:
        return codec.splice(answer, "Item", codec.text(stored.body))
    answer["Item"] = projection(codec.decode(stored.body))
    return answer
