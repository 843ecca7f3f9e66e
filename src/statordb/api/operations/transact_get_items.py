"""TransactGetItems."""

from statordb.api import conditions
from statordb.api.context import Answer, Context, Request
from statordb.api.keys import check_values
from statordb.api.transactions import read_answer
from statordb.commands.getting import Part, TransactGet
from statordb.commands.perform import perform


async def transact_get_items(context: Context, request: Request) -> Answer:
    parts = [_read(context, entry["Get"]) for entry in request["TransactItems"]]
    found = await perform(context, TransactGet(parts))
    return await read_answer(context, request, [part.table for part in parts], found)


def _read(context: Context, get: Request) -> Part:
    check_values(get["Key"])
    bound = conditions.placeholders(get, context.budget)
    projection = conditions.projection(get, bound)
    if projection is not None:  # AWS does not look at names that stand beside no expression
        bound.finish()
    return Part(get["TableName"], get["Key"], projection)
