"""GetAlias: there are none."""

from statordb.lambda_api import faults
from statordb.lambda_api.context import Answer, Context, Request


async def get_alias(context: Context, request: Request) -> Answer:
    record = await context.function(request["FunctionName"])
    raise faults.alias_not_found(f"{record.arn}:{request['Name']}")
