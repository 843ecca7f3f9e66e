"""RestoreTableFromBackup. The table is CREATING until all items are there; the keeper puts them."""

from statordb.api import backups, restoring
from statordb.api.context import Answer, Context, Request
from statordb.api.description import coming
from statordb.commands.demands import ResourceDemand
from statordb.model import errors
from statordb.model.arns import backup_arn
from statordb.store.backups.records import DONE, BackupRecord
from statordb.store.records import RestoreRecord

_ACTION = "dynamodb:RestoreTableFromBackup"


async def restore_table_from_backup(context: Context, request: Request) -> Answer:
    record = await _backup(context, request)
    name = context.named(request["TargetTableName"])
    source = record.source
    restoring.check(request, source)
    if record.phase != DONE:
        raise errors.backup_in_use(f"Backup is being created: {request['BackupArn']}")
    every = await context.store.catalog.all()
    if any(each.is_restored_from(record.arn) for each in every):
        existing = await context.store.catalog.reload(*name)
        if existing is not None and existing.record.restore is not None:
            raise errors.being_restored(name[2], existing.record.restore.backup)
        raise errors.backup_in_use(f"Backup is being used to restore another table: {request['BackupArn']}")
    origin = RestoreRecord(source.arn, record.created_at, record.arn, record.size)
    created = await restoring.restore(context, request, name, source, origin)
    if request.get("OnDemandThroughputOverride") == {}:  # AWS says so, and restores it (TABLE-463)
        raise errors.being_restored(name[2], record.arn)
    return {"TableDescription": coming(created)}


async def _backup(context: Context, request: Request) -> BackupRecord:
    """The backup, which may be another region's. Raises AccessDeniedException, BackupNotFoundException,
    ValidationException."""
    arn = request["BackupArn"]
    named = backups.parse(context, arn)
    own = backup_arn(named.account, named.region, named.table, named.id)
    await context.admit(ResourceDemand(_ACTION, own))
    await restoring.admit_target(context, request, _ACTION)
    restoring.check_region(context, request, named.region)
    record = await context.store.backups.find(named.account, named.region, named.id)
    return backups.there(context, record, named)
