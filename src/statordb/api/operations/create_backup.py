"""CreateBackup. What the backup will have is what the table has when this is answered, or a moment later where the
table's writers are on several machines."""

import secrets

from statordb.api import backups
from statordb.api.context import Answer, Context, Request
from statordb.archive.copying import begin
from statordb.commands.demands import TableDemand
from statordb.model import errors
from statordb.store import readers
from statordb.store.backups.records import USER, BackupRecord, table_members
from statordb.store.table import BUSY, LOOKS, Table

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
        await _check_log(context, table)
        record = await _record(context, table, request["BackupName"])
        if await store.backups.add(record, table.guard):
            if store.engine.traits.guards:  # else the keeper does it, which takes some seconds
                await begin(store, record)
            return {"BackupDetails": backups.details(record, record.arn, "CREATING")}
    raise errors.throttling(BUSY)


async def _check_log(context: Context, table: Table) -> None:
    """Each backup opens new shards in place of those of a stream twice, which are kept for a day, and so as few as
    others that read the log (`readers.join`)."""
    store, record = context.store, table.record
    if record.log is None:
        return
    log = await store.logs.find(record.account, record.region, record.name, record.log.space)
    if log is not None and readers.is_worn(store, log):
        raise errors.limit_exceeded(_OFTEN)


async def _record(context: Context, table: Table, name: str) -> BackupRecord:
    """The backup that is to be made of a table as it is."""
    now, usage = round(context.now(), 3), await table.usage()
    return BackupRecord(
        account=table.record.account,
        region=table.record.region,
        id=f"{round(now * 1000):014d}-{secrets.token_hex(4)}",
        name=name,
        kind=USER,
        created_at=now,
        expires_at=None,
        size=usage.bytes,
        items=usage.rows,
        table=table_members(table.record),
    )
