"""BatchGetItem."""

from typing import Any, NamedTuple

import orjson

from statordb.api import conditions
from statordb.api.capacity import Meter, read_units, wanted
from statordb.api.context import Answer, Context, Request
from statordb.api.keys import check_values, locate_key
from statordb.expressions.bound import Projection
from statordb.expressions.legacy import reject_mixed
from statordb.model import errors
from statordb.model.limits import BATCH_GET_BYTES_MAX, BATCH_GET_KEYS_MAX
from statordb.store import codec


class Wanted(NamedTuple):
    """What is wanted of one table."""

    name: str
    request: Request
    projection: Projection | None


async def batch_get_item(context: Context, request: Request) -> Answer:
    wants = _read(request["RequestItems"])
    detail = wanted(request)
    room = BATCH_GET_BYTES_MAX
    responses: list[bytes] = []
    unprocessed: dict[str, Request] = {}
    capacities = []
    for want in wants:
        table = await context.table(want.name)
        keys = [locate_key(table, key) for key in want.request["Keys"]]
        if len(set(keys)) != len(keys):
            raise _duplicates()
        consistent = want.request.get("ConsistentRead") is True
        meter = Meter(table)
        texts = []
        for position, body in enumerate(await table.get_many(keys, consistent)):
            size = 0 if body is None else codec.size(body)
            if size > room:
                unprocessed[want.name] = {**want.request, "Keys": want.request["Keys"][position:]}
                room = 0
                break
            room -= size
            meter.add(read_units(size, consistent))
            if body is not None:
                texts.append(_text(body, want.projection))
        responses.append(b"%b:[%b]" % (orjson.dumps(want.name), b",".join(texts)))
        if detail is not None:
            capacities.append(meter.report(detail))
    answer: dict[str, Any] = {"UnprocessedKeys": unprocessed}
    if detail is not None:
        answer["ConsumedCapacity"] = capacities
    return codec.splice(answer, "Responses", b"{" + b",".join(responses) + b"}")


def _text(body: bytes, projection: Projection | None) -> bytes:
    return codec.text(body) if projection is None else orjson.dumps(projection(codec.decode(body)))


def _duplicates() -> errors.ClientError:
    return errors.validation("Provided list of item keys contains duplicates")


def _read(items: dict[str, Request]) -> list[Wanted]:
    wants = []
    count = 0
    for name, request in items.items():
        reject_mixed(request, ("ProjectionExpression",), ("AttributesToGet",))
        bound = conditions.placeholders(request)
        projection = conditions.projection(request, bound)
        bound.finish()
        for key in request["Keys"]:
            check_values(key)
        count += len(request["Keys"])
        if count > BATCH_GET_KEYS_MAX:
            raise errors.validation("Too many items requested for the BatchGetItem call")
        wants.append(Wanted(name, request, projection))
    return wants
