"""GetPolicy: a function has no resource-based policy."""

from statordb.lambda_api import faults
from statordb.lambda_api.context import Answer, Context, Request


async def get_policy(context: Context, request: Request) -> Answer:
    await context.function(request["FunctionName"], request.get("Qualifier"))
    raise faults.nothing_set()
