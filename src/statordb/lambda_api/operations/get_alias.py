"""GetAlias: there are none."""

from statordb.lambda_api import errors
from statordb.lambda_api.context import Answer, Context, Request


async def get_alias(context: Context, request: Request) -> Answer:
    record = await context.function(request["FunctionName"])
    raise errors.alias_not_found(f"{record.arn}:{request['Name']}")
