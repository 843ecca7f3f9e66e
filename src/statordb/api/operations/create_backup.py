"""CreateBackup. What the backup will have is what the table has when this is answered, or a moment later where the
table's writers are on several machines."""

from statordb.api import backups
from statordb.api.context import Answer, Context, Request
from statordb.archive.asking import ask, is_worn, record_of
from statordb.commands.demands import TableDemand
from statordb.model import errors
from statordb.store.table import BUSY, LOOKS

_OFTEN = "Subscriber limit exceeded: This table was backed up too often within 24 hours."


async def create_backup(context: Context, request: Request) -> Answer:
    account, region, name = await context.scope(TableDemand("dynamodb:CreateBackup", request["TableName"]))
    store = context.store
    for _ in LOOKS:
        table = await store.catalog.reload(account, region, name)
        if table is None or table.record.status_at(context.now()) == "CREATING":
            raise errors.table_not_found_for_backups(name)
        if table.closed is not None:
            raise table.closed.error()
        if await is_worn(store, table):
            raise errors.limit_exceeded(_OFTEN)
        record = await record_of(table, request["BackupName"], context.now())
        if await ask(store, table, record):
            return {"BackupDetails": backups.details(record, record.arn, "CREATING")}
    raise errors.throttling(BUSY)
