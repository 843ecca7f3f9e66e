"""UpdateContinuousBackups: switches point-in-time recovery of a table. From the answer on its changes are kept."""

from dataclasses import replace

from statordb.api import recovery
from statordb.api.context import Answer, Context, Request
from statordb.archive.joining import join, leave
from statordb.commands.demands import TableDemand
from statordb.model import errors
from statordb.model.limits import RECOVERY_DAYS_MAX
from statordb.store.records import RecoveryRecord, TableRecord
from statordb.store.table import Table
from statordb.store.terms import Refused


async def update_continuous_backups(context: Context, request: Request) -> Answer:
    wanted = request["PointInTimeRecoverySpecification"]
    enabled, days = wanted["PointInTimeRecoveryEnabled"], wanted.get("RecoveryPeriodInDays")
    if days is not None and not enabled:
        raise errors.invalid_request("Cannot specify RecoveryPeriodInDays when disabling point-in-time recovery.")
    demand = TableDemand("dynamodb:UpdateContinuousBackups", request["TableName"])
    table = await recovery.table_of(context, demand)
    outcome = await (_enable(context, table, days) if enabled else _disable(context, table))
    if isinstance(outcome, Refused):
        raise outcome.reason
    return {"ContinuousBackupsDescription": await recovery.description(context, outcome)}


async def _enable(context: Context, table: Table, days: int | None) -> TableRecord | Refused:
    now = context.now()

    def change(record: TableRecord | None) -> TableRecord | Refused:
        if record is None or not _is_same(record, table, now) or record.status == "DELETING":
            return Refused(errors.table_not_found_for_backups(table.name))
        current = record.recovery or RecoveryRecord(now, RECOVERY_DAYS_MAX)
        return replace(record, recovery=replace(current, days=days or current.days))

    return await join(context.store, table.record, change)


async def _disable(context: Context, table: Table) -> TableRecord | Refused:
    """What was kept goes, unless it is kept for other reasons too. A table that waits for its last backup has none."""
    store, now = context.store, context.now()

    def change(record: TableRecord | None) -> TableRecord | Refused:
        if record is None or not _is_same(record, table, now):
            return Refused(errors.table_not_found_for_backups(table.name))
        if record.recovery is not None and record.recovery.deleted_at is not None:
            return replace(record, recovery=None, settles_at=now + store.table_delay_seconds)
        return replace(record, recovery=None)

    if table.record.recovery is None:
        return table.record
    if store.tracks.reasons(replace(table.record, recovery=None)) or table.record.status == "DELETING":
        outcome = await store.catalog.change(*_name(table), change)
        assert outcome is not None
        return outcome
    return await leave(store, table.record, change)


def _is_same(record: TableRecord, table: Table, now: float) -> bool:
    return record.space == table.space and recovery.is_there(record, now)


def _name(table: Table) -> tuple[str, str, str]:
    return table.record.account, table.record.region, table.name
