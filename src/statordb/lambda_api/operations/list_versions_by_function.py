"""ListVersionsByFunction: the one that there is."""

from statordb.lambda_api.context import Answer, Context, Request
from statordb.lambda_api.description import listed


async def list_versions_by_function(context: Context, request: Request) -> Answer:
    record = await context.function(request["FunctionName"])
    return {"Versions": [listed(record, qualified=True)]}
