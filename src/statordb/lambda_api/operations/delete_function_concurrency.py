"""DeleteFunctionConcurrency."""

from statordb.lambda_api.concurrency import reserve
from statordb.lambda_api.context import Answer, Context, Request


async def delete_function_concurrency(context: Context, request: Request) -> Answer:
    await reserve(context, await context.function(request["FunctionName"]), None)
    return {}
