"""ProvisionedThroughput, WarmThroughput and OnDemandThroughput of tables and global indexes: their checks, and what
updates make of them.

What is provisioned, and the maxima, bound what is done where throughput is limited. The rules
and texts were measured on AWS (aws-controllers-k8s, API quirks of October 2026).
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from statordb.commands.warm_throughput import PAY_PER_REQUEST, WARM, Units, warm_figures
from statordb.model import errors
from statordb.model.errors import ClientError, invalid_parameters, validation
from statordb.store.records import TableRecord

ON_DEMAND = ("MaxReadRequestUnits", "MaxWriteRequestUnits")
UNLIMITED = -1
CAPACITY_UNITS_MAX = 1_000_000_000_000
DAY_SECONDS = 24 * 3600
DECREASES_A_DAY = 4
DECREASES_PAUSE_SECONDS = 3600  # before each further one
SWITCHES_MAX = 4  # from provisioned to on demand (developer guide, "Considerations when switching capacity modes")
SWITCHES_DAYS = 1
CLASS_CHANGES_MAX = 2
CLASS_CHANGES_DAYS = 30
STANDARD = "STANDARD"  # the table class of what has none
_PAGE = (
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html"
    "#on-demand-capacity-mode-initial"
)


def check_capacity(billing_mode: str, units: dict[str, int] | None) -> None:
    """BillingMode against ProvisionedThroughput."""
    if billing_mode == PAY_PER_REQUEST:
        if units:
            raise invalid_parameters(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
            )
        return
    if not units:
        raise invalid_parameters(
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"
        )
    check_units(units)


def check_units(units: Mapping[str, int]) -> None:
    """Raise ValidationException for figures of ProvisionedThroughput that are out of bounds."""
    for member in ("ReadCapacityUnits", "WriteCapacityUnits"):
        if units[member] > CAPACITY_UNITS_MAX:
            raise validation(f"Given value {units[member]} for {member} is out of bounds")


def settled(record: TableRecord, now: float) -> TableRecord:
    """The record if it may be changed now; raises ResourceNotFoundException, ResourceInUseException."""
    status = record.status_at(now)
    if status is None:
        raise errors.table_not_found(record.name)
    if status != "ACTIVE":
        doing = {"CREATING": "created", "UPDATING": "updated", "DELETING": "deleted"}[status]
        raise errors.resource_in_use(
            f"Attempt to change a resource which is still in use: Table is being {doing}: {record.name}"
        )
    return replace(record, status="ACTIVE")


def reprovisioned(
    record: TableRecord, index_name: str | None, units: Mapping[str, int], now: float, is_bounded: bool = False
) -> TableRecord:
    """A table, or one of its global indexes, with other provisioned figures, by the rules of UpdateTable. Raises as
    that. `is_bounded`: as in `new_units`."""
    record = settled(record, now)
    check_units(units)
    index = None if index_name is None else record.index(index_name)
    if record.billing_mode == PAY_PER_REQUEST:
        raise invalid_parameters(
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
        )
    if index_name is None:
        warm = warm_figures(record.billing_mode, record.throughput, record.options.get("WarmThroughput"))
        figures = new_units(record.throughput, units, now, "table", is_bounded)
        return replace(record, throughput=figures, options={**record.options, "WarmThroughput": warm})
    if index is None or index.local:
        raise errors.resource_not_found(f"Requested resource not found: Index {index_name} for table {record.name}")
    warm = warm_figures(record.billing_mode, index.throughput, index.options.get("WarmThroughput"))
    figures = new_units(index.throughput, units, now, index_name, is_bounded)
    return record.with_index(replace(index, throughput=figures, options={**index.options, "WarmThroughput": warm}))


def decreases(units: Units | None, now: float) -> int:
    """How often provisioned figures were lowered today: days begin at midnight UTC."""
    last = (units or {}).get("LastDecreaseDateTime")
    if last is None or last // DAY_SECONDS != now // DAY_SECONDS:
        return 0
    return int((units or {}).get("NumberOfDecreasesToday", 0))


def new_units(
    old: Units | None, new: Mapping[str, int], now: float, refuse_same: str | None, is_bounded: bool = False
) -> dict[str, Any]:
    """Changed capacity with the dates of its last increase and decrease, in seconds since 1970 as `now`.

    `refuse_same`: figures that stay as they are are refused: "table", or the name of an index. `is_bounded`: so are
    more decreases a day than AWS makes; a table and each index have a count of their own.
    """
    old = {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0, **(old or {})}
    reads = new["ReadCapacityUnits"] - old["ReadCapacityUnits"]
    writes = new["WriteCapacityUnits"] - old["WriteCapacityUnits"]
    if not reads and not writes and refuse_same is not None:
        raise _unchanged(refuse_same, old, new)
    changed = {**old, **new}
    if reads > 0 or writes > 0:
        changed["LastIncreaseDateTime"] = round(now, 3)
    if reads < 0 or writes < 0:
        if is_bounded:
            _check_decreases(old, now)
        changed["LastDecreaseDateTime"] = round(now, 3)
        changed["NumberOfDecreasesToday"] = decreases(old, now) + 1
    return changed


def _check_decreases(units: Units, now: float) -> None:
    count = decreases(units, now)
    if count < DECREASES_A_DAY:
        return
    last = units["LastDecreaseDateTime"]
    if now < last + DECREASES_PAUSE_SECONDS:
        raise errors.too_many_decreases(
            count, DECREASES_PAUSE_SECONDS, DECREASES_A_DAY, _said(last), _said(last + DECREASES_PAUSE_SECONDS)
        )


def _said(at: float) -> str:
    """A time as AWS's text has it."""
    moment = datetime.fromtimestamp(at, UTC)
    return (
        f"{moment:%A, %B} {moment.day}, {moment.year} at {moment.hour % 12 or 12}:{moment:%M:%S %p} "
        "Coordinated Universal Time"
    )


def switched(record: TableRecord, now: float, is_bounded: bool) -> TableRecord:
    """A provisioned table that becomes one on demand. `is_bounded`: as often within 24 hours as AWS does that."""
    window = SWITCHES_DAYS * DAY_SECONDS
    recent = [at for at in record.switches if at > now - window]
    if is_bounded and len(recent) >= SWITCHES_MAX:
        last, next = (
            time.strftime("%a %b %d %H:%M:%S UTC %Y", time.gmtime(at)) for at in (recent[-1], recent[0] + window)
        )
        raise errors.too_many_switches(SWITCHES_MAX, SWITCHES_DAYS, last, next)
    return replace(record, on_demand_since=round(now, 3), switches=[*recent, round(now, 3)][-SWITCHES_MAX:])


def asked_units(request: Mapping[str, Any]) -> tuple[int, int]:
    """Of reads and of writes, that a table and its global indexes are to be created with."""
    if request.get("BillingMode") == PAY_PER_REQUEST:
        return 0, 0
    parts = [each.get("ProvisionedThroughput") or {} for each in request.get("GlobalSecondaryIndexes") or ()]
    parts.append(request.get("ProvisionedThroughput") or {})
    reads, writes = (
        sum(units.get(member, 0) for units in parts) for member in ("ReadCapacityUnits", "WriteCapacityUnits")
    )
    return reads, writes


def new_class(old: TableRecord, new: TableRecord, now: float, is_bounded: bool) -> TableRecord:
    """The new record, whose class was asked for. `is_bounded`: after as many changes in 30 days as AWS makes that is
    refused, also where nothing would change."""
    recent = [at for at in old.class_changes if at > now - CLASS_CHANGES_DAYS * DAY_SECONDS]
    if is_bounded and len(recent) >= CLASS_CHANGES_MAX:
        raise errors.too_many_class_changes(CLASS_CHANGES_MAX, CLASS_CHANGES_DAYS)
    if new.options.get("TableClass", STANDARD) == old.options.get("TableClass", STANDARD):
        return new
    return replace(new, class_changes=[*recent, round(now, 3)][-CLASS_CHANGES_MAX:])


def no_units(old: dict[str, Any] | None, now: float) -> dict[str, Any]:
    """The capacity of what becomes on demand, which is no decrease of the day's."""
    figures = {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0, "LastDecreaseDateTime": round(now, 3)}
    return {**(old or {}), **figures, "NumberOfDecreasesToday": decreases(old, now)}


def _unchanged(what: str, old: Units, new: Mapping[str, int]) -> ClientError:
    long, short = ("the table", "the table") if what == "table" else (f"the index {what}", f"index {what}")
    figures = ". ".join(
        f"Current {member} provisioned for {short}: {old[member]}. Requested {member}: {new[member]}"
        for member in ("ReadCapacityUnits", "WriteCapacityUnits")
    )
    return validation(
        f"The provisioned throughput for {long} will not change. The requested value equals the current value. "
        f"{figures}. Refer to the Amazon DynamoDB Developer Guide for current limits and "
        "how to request higher limits."
    )


def check_new_warm(wanted: Units | None, billing_mode: str, throughput: Units | None, what: str = "table") -> None:
    """WarmThroughput of a table that is created, or of its index: not below what it has anyway. `what`: "table", or
    "index" and its name."""
    initial = warm_figures(billing_mode, throughput, None)
    for member, figure in (wanted or {}).items():
        if figure < initial[member]:
            if billing_mode == PAY_PER_REQUEST:
                bound = f"initial throughput for OnDemand. See: {_PAGE}"
            else:
                bound = f"{WARM[member]} of ProvisionedThroughput"
            raise invalid_parameters(f"Requested {member} for WarmThroughput for {what} is lower than {bound}")


def raised(current: Mapping[str, int], wanted: Units, what: str = "table") -> dict[str, int]:
    """The warm throughput with some figures raised."""
    for member in WARM:
        if member in wanted and wanted[member] < current[member]:
            raise invalid_parameters(
                f"Requested {member} for WarmThroughput for {what} is lower than current WarmThroughput, decreasing "
                "WarmThroughput is not supported"
            )
    return {**current, **wanted}


def check_on_demand(wanted: Units | None, billing_mode: str, may_clear: bool, index: str | None = None) -> None:
    """OnDemandThroughput against the billing mode and its range. `may_clear`: -1 takes a maximum away."""
    where = "" if index is None else f" for index : {index}"
    for member in ON_DEMAND:
        if member not in (wanted or {}):
            continue
        if billing_mode != PAY_PER_REQUEST:
            raise invalid_parameters(
                f"{member} for OnDemandThroughput{where} cannot be specified when the table BillingMode is PROVISIONED"
            )
        figure = wanted[member]  # type: ignore[index]  # it is there
        if figure < 1 and not (may_clear and figure == UNLIMITED):
            raise invalid_parameters(
                f"Requested {member} for OnDemandThroughput{where or ' for table'} is outside of valid range"
            )


def merged(current: Units | None, wanted: Units) -> dict[str, int]:
    """The maxima after an update; empty where none is left."""
    return {member: figure for member, figure in {**(current or {}), **wanted}.items() if figure != UNLIMITED}
