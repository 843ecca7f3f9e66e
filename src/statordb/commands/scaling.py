"""Changes of capacity that scaling makes, by the rules of UpdateTable, and the activities that tell of them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from statordb.commands.throughput import reprovisioned
from statordb.commands.warm_throughput import PAY_PER_REQUEST
from statordb.model.errors import ClientError
from statordb.store.records import TableRecord
from statordb.store.scaling.records import FAILED, READS, SUCCESSFUL, WRITES, ActivityRecord, TargetName, TargetRecord
from statordb.store.store import Store
from statordb.store.terms import Refused

_BUSY = "ResourceInUseException"


def provisioned(record: TableRecord | None, name: TargetName, now: float) -> dict[str, int] | None:
    """The figures of what a target scales; None where nothing is provisioned: no such table or index, or it is on
    demand."""
    if record is None or record.status_at(now) in (None, "DELETING") or record.billing_mode == PAY_PER_REQUEST:
        return None
    figures: Mapping[str, Any] | None = record.throughput
    if name.index_name is not None:
        index = record.index(name.index_name)
        figures = None if index is None or index.local else index.throughput
    if not figures or not figures.get(READS):
        return None
    return {units: figures[units] for units in (READS, WRITES)}


async def record_of(store: Store, name: TargetName) -> TableRecord | None:
    """The record of a target's table."""
    table = await store.catalog.find(name.account, name.region, name.table)
    return None if table is None else table.record


async def settle(store: Store, name: TargetName) -> bool:
    """Bring a capacity within the bounds of its target, where they were changed. False if the table is being changed
    otherwise: it is to be tried again."""
    target = await store.scaling.targets.find(name)
    if target is None or not target.out_of_bounds:
        return True
    figures = provisioned(await record_of(store, name), name, store.clock.now())
    if figures is not None:
        units = figures[name.units]
        wanted = target.within(units)
        if wanted != units:
            bound = "minimum" if wanted > units else "maximum"
            if await bring(store, target, wanted, f"{bound} capacity was set to {wanted}") is None:
                return False
    bounds = target.minimum, target.maximum
    await store.scaling.targets.alter(name, lambda found: _settled(found, bounds))
    return True


async def bring(
    store: Store, target: TargetRecord, units: int, cause: str, is_quiet: bool = False
) -> ActivityRecord | None:
    """Set a capacity to so many units a second, and tell of that. None if the table is being changed otherwise.
    `is_quiet`: a failure is not told."""
    name, now = target.name, store.clock.now()
    delay = 0.0 if name.index_name is not None else store.table_delay_seconds

    def change(current: TableRecord | None) -> TableRecord | Refused:
        figures = provisioned(current, name, now)
        if current is None or figures is None:
            return Refused(None)
        asked = {**figures, name.units: units}
        try:
            changed = reprovisioned(current, name.index_name, asked, now, store.quotas.changes)
        except ClientError as fault:
            return Refused(fault)
        return replace(changed, status="UPDATING", settles_at=now + delay) if delay else changed

    outcome = await _made(store, name, change)
    fault = outcome.reason if isinstance(outcome, Refused) else None
    if isinstance(fault, ClientError) and fault.code == _BUSY:
        return None
    sets = f"{name.noun} to {units}."
    status, done, waits = SUCCESSFUL, f"Successfully set {sets}", True
    if isinstance(outcome, Refused):
        why = fault.message if isinstance(fault, ClientError) else "Nothing is provisioned."
        status, done, waits = FAILED, f"Failed to set {sets} Reason: {why}", False
    activity = ActivityRecord(
        "", name.resource, name.dimension, f"Setting {sets}", cause, now, now + (delay if waits else 0), status, done,
        waits,
    )  # fmt: skip
    if is_quiet and status == FAILED:
        return activity
    return await store.scaling.activities.put(name.account, name.region, activity)


async def _made(
    store: Store, name: TargetName, change: Callable[[TableRecord | None], TableRecord | Refused]
) -> TableRecord | Refused | None:
    """Make a change of a table, within what an account may have."""
    record = await record_of(store, name)
    expected = change(record)
    if record is None or isinstance(expected, Refused):
        return expected
    try:
        async with store.admission.new_units(record, expected):
            return await store.catalog.change(name.account, name.region, name.table, change)
    except ClientError as fault:
        return Refused(fault)


def _settled(found: TargetRecord, bounds: tuple[int, int]) -> TargetRecord | None:
    return replace(found, out_of_bounds=False) if (found.minimum, found.maximum) == bounds else None
