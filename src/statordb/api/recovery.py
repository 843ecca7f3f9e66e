"""Point-in-time recovery of a table as answers tell of it.

What is told, and the texts, were measured on AWS (aws-controllers-k8s, API quirks of October 2026, TABLE-083 to -116).
"""

from datetime import UTC, datetime
from typing import Any

from statordb.api.context import Context
from statordb.archive.history import restorable
from statordb.commands.demands import TableDemand
from statordb.model import errors
from statordb.store.records import TableRecord
from statordb.store.table import Table

_FIRST, _LAST = -62_135_596_800.0, 253_402_300_799.0  # of the years 1 to 9999, in seconds since the epoch


async def table_of(context: Context, demand: TableDemand) -> Table:
    """The table of a demand. Raises AccessDeniedException, and TableNotFoundException, also while it is made."""
    name = await context.scope(demand)
    table = await context.store.catalog.reload(*name)
    if table is None or not is_there(table.record, context.now()):
        raise errors.table_not_found_for_backups(name[2])
    return table


def is_there(record: TableRecord, now: float) -> bool:
    """Whether a table's backups can be asked for."""
    return record.restore is None and record.status_at(now) not in (None, "CREATING")


async def times(context: Context, record: TableRecord) -> tuple[int, int]:
    """The first and the last second to which a table that has recovery can be restored, since the epoch."""
    assert record.recovery is not None
    tracks, now = context.store.tracks, context.now()
    since = max(record.recovery.enabled_at, now - tracks.window(record))
    return restorable(await tracks.of(record), since, now)


async def description(context: Context, record: TableRecord) -> dict[str, Any]:
    """ContinuousBackupsDescription."""
    told: dict[str, Any] = {"PointInTimeRecoveryStatus": "DISABLED"}
    if record.recovery is not None:
        earliest, latest = await times(context, record)
        told = {
            "PointInTimeRecoveryStatus": "ENABLED",
            "RecoveryPeriodInDays": record.recovery.days,
            "EarliestRestorableDateTime": earliest,
            "LatestRestorableDateTime": latest,
        }
    return {"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": told}


def text_of(moment: float) -> str:
    """A moment as messages have it; of one that no calendar has, the nearest that has a date."""
    dated = min(max(moment, _FIRST), _LAST)
    return datetime.fromtimestamp(dated, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
