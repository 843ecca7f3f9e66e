"""Asking for a backup of a table: the record that the keeper goes by."""

import secrets
from dataclasses import replace

from statordb.archive.copying import begin
from statordb.model.limits import SYSTEM_BACKUP_DAYS
from statordb.store import readers
from statordb.store.archive.tracks import DAY_SECONDS
from statordb.store.backups.records import SYSTEM, USER, BackupRecord, table_members
from statordb.store.store import Store
from statordb.store.table import Table


async def ask(store: Store, table: Table, record: BackupRecord) -> bool:
    """Have a backup made; False if its table has changed since `record` was made of it."""
    if not await store.backups.add(record, table.guard):
        return False
    if store.engine.traits.guards:  # else the keeper does it, which takes some seconds
        await begin(store, record)
    return True


async def record_of(table: Table, name: str, now: float, tail: str | None = None) -> BackupRecord:
    """The record of a backup that is to be made of a table as it is. `tail`: eight digits that its id ends with; None:
    any."""
    now, usage = round(now, 3), await table.usage()
    return BackupRecord(
        account=table.record.account,
        region=table.record.region,
        id=f"{round(now * 1000):014d}-{tail or secrets.token_hex(4)}",
        name=name,
        kind=USER,
        created_at=now,
        expires_at=None,
        size=usage.bytes,
        items=usage.rows,
        table=table_members(table.record),
    )


async def last_of(table: Table) -> BackupRecord:
    """That of the backup of a table that was deleted with point-in-time recovery enabled: the same each time."""
    recovery = table.record.recovery
    assert recovery is not None
    assert recovery.deleted_at is not None
    made = await record_of(table, f"{table.name}$DeletedTableBackup", recovery.deleted_at, "00000000")
    return replace(made, kind=SYSTEM, expires_at=made.created_at + SYSTEM_BACKUP_DAYS * DAY_SECONDS)


async def is_worn(store: Store, table: Table) -> bool:
    """Whether one backup more is too many: each opens new shards in place of those of a stream twice, which are kept
    for a day, and so as few as others that read the log (`readers.join`)."""
    record = table.record
    if record.log is None:
        return False
    log = await store.logs.find(record.account, record.region, record.name, record.log.space)
    return log is not None and readers.is_worn(store, log)
