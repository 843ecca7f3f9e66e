"""DeleteBackup. Its objects go a little later."""

from datetime import UTC, datetime

from statordb.api import backups
from statordb.api.context import Answer, Context, Request
from statordb.model import errors
from statordb.store.backups.records import DONE, SYSTEM


async def delete_backup(context: Context, request: Request) -> Answer:
    arn = request["BackupArn"]
    record, named = await backups.find(context, "dynamodb:DeleteBackup", arn)
    if record.kind == SYSTEM:
        assert record.expires_at is not None
        until = datetime.fromtimestamp(record.expires_at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        raise errors.validation(
            f"User is not allowed to delete the system backup with arn {arn}. It will automatically expire on {until}"
        )
    if record.phase != DONE:
        raise errors.backup_in_use(f"Backup is being created: {arn}")
    if any(table.is_restored_from(record.arn) for table in await context.store.catalog.all()):
        raise errors.backup_in_use(f"Backup is being used to restore table: {arn}")
    if not await context.store.backups.doom(record):
        raise errors.backup_not_found(arn)
    return {"BackupDescription": backups.description(record, named.arn, "DELETED")}
