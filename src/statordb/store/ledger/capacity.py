"""What of a table's record is kept in the ledger for good: whatever its price depends on."""

from collections.abc import Mapping
from dataclasses import replace

from statordb.engine.contract import Bounds, Effects, Engine, PageBudget
from statordb.metering.usage import ON_DEMAND
from statordb.store import contention
from statordb.store.keyspace import Space
from statordb.store.ledger.records import CAPACITY, CapacityRecord, capacity_key, capacity_partition
from statordb.store.records import TableRecord

STANDARD = "STANDARD"
DELETING = "DELETING"
_MAXIMA = "OnDemandThroughput"
_ONE = PageBudget(rows_max=1, bytes_max=1)


def change_of(before: TableRecord | None, after: TableRecord | None, at: float) -> CapacityRecord | None:
    """What to keep of a change of a table's record; None if its capacity stays what it was. A table has none from the
    moment on that it is being deleted."""
    was, becomes = (None if record is None else capacity_of(record, at) for record in (before, after))
    if becomes is None:
        return None if was is None or was.deleted else replace(was, deleted=True)
    if was is None:
        return None if becomes.deleted else becomes
    return None if was == becomes else becomes


def capacity_of(record: TableRecord, at: float) -> CapacityRecord:
    """The capacity of a table, as of a time."""
    on_demand = record.billing_mode == ON_DEMAND
    indexes = [index for index in record.indexes if not index.local and index.status != DELETING]
    maxima = {"": record.options.get(_MAXIMA), **{index.name: index.options.get(_MAXIMA) for index in indexes}}
    return CapacityRecord(
        at,
        record.id,
        record.billing_mode,
        record.options.get("TableClass", STANDARD),
        None if on_demand else _units(record.throughput),
        {index.name: None if on_demand else _units(index.throughput or {}) for index in indexes},
        {name: found for name, found in maxima.items() if found},
        record.status == DELETING,
    )


def _units(throughput: Mapping[str, int]) -> list[int]:
    return [throughput.get("ReadCapacityUnits", 0), throughput.get("WriteCapacityUnits", 0)]


async def note(engine: Engine, record: TableRecord, now: float) -> None:
    """Keep what a table has that was there before the ledger was. `now`: seconds since the epoch."""
    scope = (record.account, record.region, record.name)
    capacity = capacity_of(record, now)
    page = await engine.range(Space.LEDGER_CAPACITY, capacity_partition(*scope), Bounds(), True, _ONE)
    if page.bodies or capacity.deleted:
        return
    key = capacity_key(*scope, now, 0)
    await contention.update(engine, (key,), lambda stored: Effects(writes=((key, CAPACITY.dump(capacity)),)))
