"""GetItem."""

from typing import Any

from statordb.api import conditions
from statordb.api.capacity import Meter, read_units, wanted
from statordb.api.context import Answer, Context, Request
from statordb.api.keys import attributes_of, locate_key
from statordb.expressions.legacy import reject_mixed
from statordb.store import codec

_PLAIN = frozenset(("TableName", "Key", "ConsistentRead"))


async def get_item(context: Context, request: Request) -> Answer:
    plain = request.keys() <= _PLAIN
    projection = None
    if not plain:
        reject_mixed(request, ("ProjectionExpression",), ("AttributesToGet",))
    item_key = attributes_of(request, "Key")
    if not plain:
        bound = conditions.placeholders(request)
        projection = conditions.projection(request, bound)
        bound.finish()

    table = await context.table(request["TableName"])
    key = locate_key(table, item_key)
    consistent = request.get("ConsistentRead") is True
    body = await table.get(key, consistent)
    if plain:
        return b"{}" if body is None else b'{"Item":%b}' % codec.text(body)

    answer: dict[str, Any] = {}
    detail = wanted(request)
    if detail is not None:
        meter = Meter(table)
        meter.add(read_units(0 if body is None else codec.size(body), consistent))
        answer["ConsumedCapacity"] = meter.report(detail)
    if body is None:
        return answer
    if projection is None:
        return codec.splice(answer, "Item", codec.text(body))
    answer["Item"] = projection(codec.decode(body))
    return answer
