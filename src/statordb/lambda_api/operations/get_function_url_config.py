"""GetFunctionUrlConfig: a function has no URL of its own."""

from statordb.lambda_api import errors
from statordb.lambda_api.context import Answer, Context, Request


async def get_function_url_config(context: Context, request: Request) -> Answer:
    await context.function(request["FunctionName"], request.get("Qualifier"))
    raise errors.nothing_set()
