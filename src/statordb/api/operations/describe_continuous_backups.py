"""DescribeContinuousBackups."""

from statordb.api import recovery
from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import TableDemand


async def describe_continuous_backups(context: Context, request: Request) -> Answer:
    demand = TableDemand("dynamodb:DescribeContinuousBackups", request["TableName"])
    table = await recovery.table_of(context, demand)
    return {"ContinuousBackupsDescription": await recovery.description(context, table.record)}
