"""ListAliases: there are none."""

from statordb.functions.context import Answer, Context, Request


async def list_aliases(context: Context, request: Request) -> Answer:
    await context.function(request["FunctionName"])
    return {"Aliases": []}
