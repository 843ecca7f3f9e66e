"""GetFunctionRecursionConfig: functions that invoke each other in a circle are not stopped."""

from statordb.lambda_api.context import Answer, Context, Request


async def get_function_recursion_config(context: Context, request: Request) -> Answer:
    await context.function(request["FunctionName"])
    return {"RecursiveLoop": "Allow"}
