"""GetFunctionConcurrency."""

from statordb.lambda_api.context import Answer, Context, Request


async def get_function_concurrency(context: Context, request: Request) -> Answer:
    record = await context.function(request["FunctionName"])
    return {"ReservedConcurrentExecutions": record.concurrency}
