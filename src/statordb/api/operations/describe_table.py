"""DescribeTable."""

from statordb.api.context import Answer, Context, Request
from statordb.api.description import describe
from statordb.commands.demands import TableDemand


async def describe_table(context: Context, request: Request) -> Answer:
    table = await context.described(TableDemand("dynamodb:DescribeTable", request["TableName"]))
    return {"Table": await describe(table, context.now())}
