"""GlobalSecondaryIndexUpdates: global indexes that come, change and go on a live table."""

from dataclasses import replace
from typing import Any

from statordb.api import schemas
from statordb.commands import throughput
from statordb.commands.warm_throughput import PAY_PER_REQUEST, warm_figures
from statordb.model import errors
from statordb.model.errors import ClientError, invalid_parameters, validation
from statordb.model.limits import GLOBAL_INDEXES_MAX
from statordb.store.records import IndexRecord, TableRecord

Update = dict[str, Any]


def check(updates: list[Update], definitions: schemas.Elements | None) -> None:
    """What needs no table."""
    seen: set[str] = set()
    for update in updates:
        if not update:
            raise invalid_parameters(
                "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
                "GlobalSecondaryIndexUpdate.Delete must not be null"
            )
        if len(update) > 1:
            raise invalid_parameters(
                "Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object"
            )
        kind, wanted = next(iter(update.items()))
        name = wanted["IndexName"]
        if name in seen:
            raise invalid_parameters(
                f"Only one global secondary index update per index is allowed simultaneously. Index: {name}"
            )
        seen.add(name)
        if kind == "Update" and wanted.get("WarmThroughput") == {}:
            raise invalid_parameters(
                "WarmThroughput must have at least one of ReadUnitsPerSecond or WriteUnitsPerSecond specified for "
                f"index: {name}"
            )
        if kind == "Create" and not definitions:
            raise invalid_parameters(f"AttributeDefinitions is not specified for index: {name}")
    if sum("Update" not in update for update in updates) > 1:
        raise _one_at_a_time()


def _one_at_a_time() -> ClientError:
    return errors.limit_exceeded(
        "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table"
    )


def apply(
    record: TableRecord, update: Update, definitions: schemas.Elements, space: int, now: float, is_bounded: bool
) -> TableRecord:
    """The table's record with an index created (in the space), changed or deleted. Raises ClientError. `is_bounded`:
    see `throughput.new_units`."""
    kind, wanted = next(iter(update.items()))
    index = record.index(wanted["IndexName"])
    if kind != "Create":
        _check_there(record, index, kind, wanted["IndexName"])
    if kind == "Update":
        assert index is not None
        return record.with_index(_changed(record, index, wanted, now, is_bounded))
    if any(other.status == "CREATING" for other in record.indexes if other is not index):
        raise _one_at_a_time()
    if kind == "Delete":
        assert index is not None
        others = [other for other in record.indexes if other is not index]
        return replace(record, indexes=others, leftover=[*record.leftover, index.space])
    if index is not None:
        raise validation("Attempting to create an index which already exists")
    return _created(record, wanted, definitions, space)


def _check_there(record: TableRecord, index: IndexRecord | None, kind: str, name: str) -> None:
    if index is None:
        raise errors.resource_not_found(f"Requested resource not found: Index {name} for table {record.name}")
    if index.local:
        raise validation(f"Cannot {kind.lower()} an index that is not a GlobalSecondaryIndex: {name}")


def _changed(record: TableRecord, index: IndexRecord, wanted: Update, now: float, is_bounded: bool) -> IndexRecord:
    options, mode, name = dict(index.options), record.billing_mode, index.name
    warm = warm_figures(mode, index.throughput, options.get("WarmThroughput"))
    asked, maxima = wanted.get("WarmThroughput"), wanted.get("OnDemandThroughput")
    units = wanted.get("ProvisionedThroughput")
    if mode == PAY_PER_REQUEST and (units or not (asked or maxima)):
        raise invalid_parameters(
            f"The only Updates for index: {name} when TableThroughputMode is PAY_PER_REQUEST can be to "
            "OnDemandThroughput, WarmThroughput"
        )
    throughput.check_on_demand(maxima, mode, True, name)
    options["WarmThroughput"] = throughput.raised(warm, asked or {}, f"index {name}")
    if maxima:
        options["OnDemandThroughput"] = throughput.merged(options.get("OnDemandThroughput"), maxima)
    if units:
        throughput.check_units(units)
        figures = throughput.new_units(index.throughput, units, now, name, is_bounded)
        return replace(index, options=options, throughput=figures)
    return replace(index, options=options)


def _created(record: TableRecord, wanted: Update, definitions: schemas.Elements, space: int) -> TableRecord:
    name, mode = wanted["IndexName"], record.billing_mode
    if sum(not index.local for index in record.indexes) >= GLOBAL_INDEXES_MAX:
        raise errors.limit_exceeded(
            "Subscriber limit exceeded: Number of global secondary indexes exceeds per-table limit of "
            f"{GLOBAL_INDEXES_MAX}"
        )
    units = wanted.get("ProvisionedThroughput")
    schemas.check_keys_and_projection(wanted, definitions)
    if mode == PAY_PER_REQUEST and units:
        raise invalid_parameters(
            f"Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: {name} when BillingMode is "
            "PAY_PER_REQUEST"
        )
    if mode != PAY_PER_REQUEST and not units:
        raise invalid_parameters(f"Both ReadCapacityUnits and WriteCapacityUnits must be specified for index: {name}")
    schemas.check_index_figures(wanted, mode)
    created = replace(schemas.index_record(wanted, space, False), status="CREATING")
    return replace(record, indexes=[*record.indexes, created])
