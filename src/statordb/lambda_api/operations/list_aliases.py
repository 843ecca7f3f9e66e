"""ListAliases: there are none."""

from statordb.lambda_api.context import Answer, Context, Request


async def list_aliases(context: Context, request: Request) -> Answer:
    await context.function(request["FunctionName"])
    return {"Aliases": []}
