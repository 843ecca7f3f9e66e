"""DescribeContinuousBackups: of a table without point-in-time recovery."""

from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import TableDemand
from statordb.model import errors


async def describe_continuous_backups(context: Context, request: Request) -> Answer:
    name = request["TableName"]
    account, region, table_name = await context.scope(TableDemand("dynamodb:DescribeContinuousBackups", name))
    table = await context.store.catalog.reload(account, region, table_name)
    if table is None or not table.record.usable_at(context.now()):
        raise errors.table_not_found_for_backups(table_name)
    return {
        "ContinuousBackupsDescription": {
            "ContinuousBackupsStatus": "ENABLED",
            "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "DISABLED"},
        }
    }
