"""What point-in-time recovery is billed for: the size of the table and its local indexes, as long as it is enabled
(Amazon DynamoDB pricing, "Continuous backups")."""

from dataclasses import replace
from decimal import Decimal

from statordb.metering.month import HOUR, Month
from statordb.metering.series import BILLED, Series
from statordb.metering.usage import gigabyte_months
from statordb.store.archive.records import TrackRecord
from statordb.store.records import TableRecord
from statordb.store.store import Store

KEPT = "TimedPITRStorage-ByteHrs"  # usage type


async def charge(store: Store, track: TrackRecord, table: TableRecord) -> None:
    """Count what a table took since that was counted last, if it is an hour ago."""
    if table.recovery is None:
        return
    now = store.clock.now()
    since = max(track.charged_at, table.recovery.enabled_at)
    if now - since < HOUR:
        return
    if await store.tracks.change(track, lambda current: replace(current, charged_at=now)) is None:
        return
    spaces = [table.space, *(index.space for index in table.indexes if index.local)]
    size = sum([(await store.engine.usage(space)).bytes for space in spaces])
    held = Decimal(size) * Decimal(now - since)
    tap = store.taps.of_table(table.account, table.region, table.name, table.id)
    tap.add(Series(BILLED, kind=KEPT), float(gigabyte_months(held, Month.of(now).hours)))
