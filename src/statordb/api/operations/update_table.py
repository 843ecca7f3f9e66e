"""UpdateTable: capacity, options, and global indexes that come, change and go on a live table."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from statordb.api import concerns, encryption, index_updates, schemas, streaming
from statordb.api.context import Answer, Context, Request
from statordb.api.description import describe, throughput_of
from statordb.commands import throughput
from statordb.commands.demands import TableDemand
from statordb.commands.warm_throughput import PAY_PER_REQUEST, warm_figures
from statordb.model import errors
from statordb.model.errors import ClientError, invalid_parameters
from statordb.store.kms.records import KeyRecord
from statordb.store.records import IndexRecord, TableRecord
from statordb.store.spaces import Draft
from statordb.store.terms import Refused

Change = Callable[[TableRecord | None], TableRecord | Refused]


async def update_table(context: Context, request: Request) -> Answer:
    updates: list[dict[str, Any]] = request.get("GlobalSecondaryIndexUpdates") or []
    asked = _check(request, updates)
    table = await context.described(TableDemand("dynamodb:UpdateTable", request["TableName"]))
    store, record = context.store, table.record
    is_bounded = store.quotas.changes
    await store.admission.change(record.account, record.region)
    if "SSESpecification" in asked or any("Create" in update for update in updates):
        encryption.check_open(table)
    key = await _new_key(context, record, request, asked)
    now = context.now()
    draft = store.draft()
    space = await draft.derived() if any("Create" in update for update in updates) else 0

    def change(current: TableRecord | None) -> TableRecord | Refused:
        if current is None or current.space != record.space:
            return Refused(errors.table_not_found(record.name))
        try:
            changed = _change_settings(throughput.settled(current, now), request, asked, now, is_bounded)
            if "SSESpecification" in asked:
                changed = encryption.changed(changed, request["SSESpecification"], key, now)
            definitions = request.get("AttributeDefinitions") or []
            for update in updates:
                changed = index_updates.apply(changed, update, definitions, space, now, is_bounded)
            _check_index_units(changed, request)
            changed = _with_definitions(changed, request, updates)
        except ClientError as fault:
            return Refused(fault)
        delay = store.table_delay_seconds if concerns.updates(asked, request) else 0
        return replace(changed, status="UPDATING", settles_at=now + delay) if delay else changed

    await _make(context, request, record, change, draft)
    return {"TableDescription": await _describe(context, request, asked, record)}


async def _make(context: Context, request: Request, record: TableRecord, change: Change, draft: Draft) -> None:
    """Make a change of a table, within what an account may have."""
    store, scope = context.store, (record.account, record.region, record.name)
    specification = request.get("StreamSpecification")
    outcome, expected = None, change(record)
    async with store.admission.new_units(record, expected if isinstance(expected, TableRecord) else record):
        if specification is None:
            outcome = await store.catalog.change(*scope, change, draft)
        elif streaming.wants(specification):
            outcome = await streaming.enable(context, scope, record, change, specification["StreamViewType"], draft)
        else:
            outcome = await streaming.disable(context, record, change, True, draft)
    if isinstance(outcome, Refused):
        raise outcome.reason


async def _new_key(context: Context, record: TableRecord, request: Request, asked: set[str]) -> KeyRecord | None:
    """The key that the table is to have."""
    if "SSESpecification" not in asked:
        return None
    wanted = request["SSESpecification"]
    encryption.check_change(record, wanted)
    return await encryption.key_of(context, record.account, record.region, wanted)


async def _describe(context: Context, request: Request, asked: set[str], before: TableRecord) -> dict[str, Any]:
    """The table as it is while the update is being carried out: capacity is still what it was."""
    table = await context.current(before.account, before.region, before.name)
    description = await describe(table, context.now())
    if concerns.updates(asked, request):
        description["TableStatus"] = "UPDATING"
    if table.record.billing_mode == before.billing_mode:
        description["ProvisionedThroughput"] = throughput_of(before.throughput, context.now())
    elif table.record.billing_mode == PAY_PER_REQUEST:
        description["BillingModeSummary"].pop("LastUpdateToPayPerRequestDateTime")
    if "SSESpecification" in asked:
        shown = encryption.describe(before) or encryption.describe(table.record)
        description["SSEDescription"] = {**(shown or {}), "Status": "UPDATING"}
    if "TableClass" in asked:
        description.pop("TableClassSummary", None)
        if "TableClass" in before.options:
            description["TableClassSummary"] = {"TableClass": before.options["TableClass"]}
    kept = before.options.get("WarmThroughput")
    _show_units(description, request, warm_figures(before.billing_mode, before.throughput, kept))
    _show_indexes(description, request, before, context.now())
    gone = [index for index in before.indexes if table.record.index(index.name) is None]
    if gone:  # DynamoDB shows an index that is being deleted; here it is gone by now
        leaving = [replace(index, status="DELETING") for index in gone]
        record, store = replace(table.record, indexes=leaving), context.store
        with_them = type(table)(record, table.guard, store.engine, store.catalog, table.tap)
        shown = await describe(with_them, context.now())
        description.setdefault("GlobalSecondaryIndexes", []).extend(shown["GlobalSecondaryIndexes"])
    return description


def _show_indexes(description: dict[str, Any], request: Request, before: TableRecord, now: float) -> None:
    updates = {
        update["Update"]["IndexName"]: update["Update"]
        for update in request.get("GlobalSecondaryIndexUpdates") or ()
        if "Update" in update
    }
    for shown in description.get("GlobalSecondaryIndexes", ()):
        update, index = updates.get(shown["IndexName"]), before.index(shown["IndexName"])
        if update is None or index is None:
            continue
        if update.get("ProvisionedThroughput") or update.get("OnDemandThroughput"):
            shown["IndexStatus"] = "UPDATING"
        if update.get("ProvisionedThroughput") and before.billing_mode != PAY_PER_REQUEST:
            shown["ProvisionedThroughput"] = throughput_of(index.throughput, now)
        kept = index.options.get("WarmThroughput")
        _show_units(shown, update, warm_figures(before.billing_mode, index.throughput, kept))


def _show_units(shown: dict[str, Any], asked: dict[str, Any], warm: dict[str, int]) -> None:
    """What is shown while these members are being changed: warm throughput as it was, and which maxima go."""
    if asked.get("WarmThroughput"):
        shown["WarmThroughput"] = {**warm, "Status": "UPDATING"}
    cleared = {m: figure for m, figure in (asked.get("OnDemandThroughput") or {}).items() if figure < 0}
    if cleared:
        shown["OnDemandThroughput"] = {**shown.get("OnDemandThroughput", {}), **cleared}


def _check(request: Request, updates: list[dict[str, Any]]) -> set[str]:
    """The members that ask for something, after the checks that need no table."""
    index_updates.check(updates, request.get("AttributeDefinitions"))
    asked = concerns.of(request)
    if request.get("BillingMode") == "PROVISIONED" and not request.get("ProvisionedThroughput"):
        raise invalid_parameters("ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
    streaming.check(request.get("StreamSpecification"), streaming.CHANGED)
    encryption.check(request.get("SSESpecification"))
    if request.get("ProvisionedThroughput"):
        throughput.check_units(request["ProvisionedThroughput"])
    return asked


def _change_settings(
    record: TableRecord, request: Request, asked: set[str], now: float, is_bounded: bool
) -> TableRecord:
    mode = request.get("BillingMode") or record.billing_mode
    units = request.get("ProvisionedThroughput")
    if mode == PAY_PER_REQUEST and units:
        raise invalid_parameters(
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
        )
    changed = replace(record, options=_options(record, request, asked, mode), billing_mode=mode)
    if "TableClass" in asked:
        changed = throughput.new_class(record, changed, now, is_bounded)
    same = "table" if record.billing_mode == mode else None
    if same is None:
        changed = replace(changed, indexes=[_warmed(record, index) for index in record.indexes])
    if mode == PAY_PER_REQUEST:
        return changed if same else _on_demand(throughput.switched(changed, now, is_bounded), now)
    if units:
        changed = replace(changed, throughput=throughput.new_units(record.throughput, units, now, same, is_bounded))
    return changed


def _warmed(record: TableRecord, index: IndexRecord) -> IndexRecord:
    """An index whose table's billing mode changes: it keeps its warm throughput, and loses what bounds it on demand."""
    if index.local:
        return index
    warm = warm_figures(record.billing_mode, index.throughput, index.options.get("WarmThroughput"))
    kept = {member: value for member, value in index.options.items() if member != "OnDemandThroughput"}
    return replace(index, options={**kept, "WarmThroughput": warm})


def _options(record: TableRecord, request: Request, asked: set[str], mode: str) -> dict[str, Any]:
    options = {**record.options, **{member: request[member] for member in schemas.KEPT if member in asked}}
    if options.get("TableClass") == "STANDARD" and "TableClass" not in record.options:
        del options["TableClass"]  # every table's, which is not told of
    kept = record.options.get("WarmThroughput")
    warm = warm_figures(record.billing_mode, record.throughput, kept)
    if mode != PAY_PER_REQUEST:
        options.pop("OnDemandThroughput", None)
    options["WarmThroughput"] = throughput.raised(warm, request.get("WarmThroughput") or {})
    if "OnDemandThroughput" in asked:
        throughput.check_on_demand(request["OnDemandThroughput"], mode, True)
        maxima = record.options.get("OnDemandThroughput")
        options["OnDemandThroughput"] = throughput.merged(maxima, request["OnDemandThroughput"])
    return options


def _on_demand(record: TableRecord, now: float) -> TableRecord:
    """A table that was provisioned: its figures are 0 now, and the dates of their changes stay."""
    indexes = [
        index if index.local else replace(index, throughput=throughput.no_units(index.throughput, now))
        for index in record.indexes
    ]
    units = throughput.no_units(record.throughput, now)
    return replace(record, throughput=units, indexes=indexes)


def _check_index_units(changed: TableRecord, request: Request) -> None:
    """Of a table that is being provisioned every global index has capacity of its own."""
    if request.get("BillingMode") != "PROVISIONED":
        return
    for index in changed.indexes:
        if not index.local and not (index.throughput or {}).get("ReadCapacityUnits"):
            raise invalid_parameters(f"ProvisionedThroughput must be specified for index: {index.name}")


def _with_definitions(changed: TableRecord, request: Request, updates: list[dict[str, Any]]) -> TableRecord:
    """The record with the definitions that its keys use. Of those given only new indexes' are looked at."""
    given = request.get("AttributeDefinitions") or []
    merged = {definition["AttributeName"]: definition for definition in changed.definitions}
    wanted = {name for update in updates if "Create" in update for name in schemas.names(update["Create"]["KeySchema"])}
    for definition in given:
        name = definition["AttributeName"]
        if name not in wanted:
            continue
        known = merged.setdefault(name, definition)
        if known["AttributeType"] != definition["AttributeType"]:
            raise errors.validation(
                "Attributes cannot be redefined. Please check that your attribute has the same type as previously "
                f"defined. Attribute: {name}, existing type: {known['AttributeType']}"
            )
    used = {name for schema in _schemas(changed) for name in schemas.names(schema)}
    return replace(changed, definitions=[definition for name, definition in merged.items() if name in used])


def _schemas(record: TableRecord) -> list[list[dict[str, str]]]:
    return [record.key_schema, *(index.key_schema for index in record.indexes)]
