"""TransactGetItems."""

from typing import Any

from statordb.api import conditions
from statordb.api.capacity import TRANSACTION_FACTOR, Meter, read_units, wanted
from statordb.api.context import Answer, Context, Request
from statordb.api.keys import check_values, locate_key
from statordb.engine.contract import Key, Refused
from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.model.limits import TRANSACT_BYTES_MAX
from statordb.store import transactions
from statordb.store.table import Table


async def transact_get_items(context: Context, request: Request) -> Answer:
    gets = [entry["Get"] for entry in request["TransactItems"]]
    projections = []
    for get in gets:
        check_values(get["Key"])
        bound = conditions.placeholders(get)
        projections.append(conditions.projection(get, bound))
        bound.finish()
    tables = {name: await context.table(name) for name in dict.fromkeys(get["TableName"] for get in gets)}
    keys = _keys(gets, tables)
    images = await transactions.read(context.store.engine, keys)
    if isinstance(images, Refused):
        raise errors.transaction_canceled(images.reason)
    if sum(image.size for image in images if image is not None) > TRANSACT_BYTES_MAX:
        reasons = [{"Code": "ValidationError", "Message": "Collection size exceeded."}]
        raise errors.transaction_canceled(reasons + [{"Code": "None"}] * (len(gets) - 1))

    responses: list[dict[str, Any]] = []
    meters: dict[int, Meter] = {}
    for get, image, projection in zip(gets, images, projections, strict=True):
        table = tables[get["TableName"]]
        meter = meters.setdefault(table.space, Meter(table))
        meter.add(read_units(image.size if image is not None else 0, True), factor=TRANSACTION_FACTOR)
        if image is None:
            responses.append({})
        else:
            responses.append({"Item": image.item if projection is None else projection(image.item)})
    answer: dict[str, Any] = {"Responses": responses}
    detail = wanted(request)
    if detail is not None:
        answer["ConsumedCapacity"] = [meter.report(detail, "Read") for meter in meters.values()]
    return answer


def _keys(gets: list[dict[str, Any]], tables: dict[str, Table]) -> list[Key]:
    """Storage keys of all items; a key that does not fit its table cancels the transaction."""
    keys: list[Key] = []
    for position, get in enumerate(gets):
        try:
            keys.append(locate_key(tables[get["TableName"]], get["Key"]))
        except ClientError as fault:
            reasons: list[dict[str, Any]] = [{"Code": "None"}] * len(gets)
            reasons[position] = {"Code": "ValidationError", "Message": fault.message}
            raise errors.transaction_canceled(reasons) from None
    if len(set(keys)) != len(keys):
        raise errors.validation("Transaction request cannot include multiple operations on one item")
    return keys
