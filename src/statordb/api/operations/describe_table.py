"""DescribeTable."""

from statordb.api.context import Answer, Context, Request
from statordb.api.description import describe


async def describe_table(context: Context, request: Request) -> Answer:
    table = await context.described(request["TableName"])
    return {"Table": await describe(table, context.now())}
