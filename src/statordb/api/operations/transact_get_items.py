"""TransactGetItems."""

from typing import Any

from statordb.api import conditions
from statordb.api.answers import spliced, wanted
from statordb.api.context import Answer, Context, Request
from statordb.api.keys import check_values
from statordb.commands.capacity import TRANSACTION_FACTOR, Meter, read_units
from statordb.commands.getting import Part, TransactGet
from statordb.commands.perform import perform


async def transact_get_items(context: Context, request: Request) -> Answer:
    parts = [_read(context, entry["Get"]) for entry in request["TransactItems"]]
    found = await perform(context, TransactGet(parts))
    answer: dict[str, Any] = {}
    detail = wanted(request)
    if detail is not None:
        meters: dict[int, Meter] = {}
        for part, got in zip(parts, found, strict=True):
            meter = meters.setdefault(got.table.space, Meter(got.table, part.table))
            meter.add(read_units(got.size, True), factor=TRANSACTION_FACTOR)
        answer["ConsumedCapacity"] = [meter.report(detail, "Read") for meter in meters.values()]
    texts: list[bytes] = []
    between = b'{"Responses":['
    for got in found:
        texts += (between + b"{}",) if got.text is None else (between + b'{"Item":', got.text, b"}")
        between = b","
    found.clear()  # the texts are in one place, to be let go of there
    return await spliced(texts, b"]", answer, context.turn())


def _read(context: Context, get: Request) -> Part:
    check_values(get["Key"])
    bound = conditions.placeholders(get, context.budget)
    projection = conditions.projection(get, bound)
    if projection is not None:  # AWS does not look at names that stand beside no expression
        bound.finish()
    return Part(get["TableName"], get["Key"], projection)
