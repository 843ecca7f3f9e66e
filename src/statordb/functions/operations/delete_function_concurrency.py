"""DeleteFunctionConcurrency."""

from statordb.functions.concurrency import reserve
from statordb.functions.context import Answer, Context, Request


async def delete_function_concurrency(context: Context, request: Request) -> Answer:
    await reserve(context, await context.function(request["FunctionName"]), None)
    return {}
