"""GetPolicy: a function has no resource-based policy."""

from statordb.lambda_api import errors
from statordb.lambda_api.context import Answer, Context, Request


async def get_policy(context: Context, request: Request) -> Answer:
    await context.function(request["FunctionName"], request.get("Qualifier"))
    raise errors.nothing_set()
