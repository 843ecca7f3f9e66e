"""GetPolicy: a function has no resource-based policy."""

from statordb.functions import faults
from statordb.functions.context import Answer, Context, Request


async def get_policy(context: Context, request: Request) -> Answer:
    await context.function(request["FunctionName"], request.get("Qualifier"))
    raise faults.nothing_set()
