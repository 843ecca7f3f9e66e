"""UpdateTable: capacity, options, and global indexes that come, change and go on a live table."""

from dataclasses import replace
from typing import Any

from statordb.api import schemas, streaming
from statordb.api.context import Answer, Context, Request
from statordb.api.description import describe
from statordb.commands.demands import TableDemand
from statordb.model import errors
from statordb.model.errors import ClientError, invalid_parameters
from statordb.model.limits import GLOBAL_INDEXES_MAX
from statordb.store.records import IndexRecord, TableRecord
from statordb.store.terms import Refused

_CHANGES = (
    "ProvisionedThroughput", "BillingMode", "GlobalSecondaryIndexUpdates", "StreamSpecification", *schemas.KEPT,
)  # fmt: skip


async def update_table(context: Context, request: Request) -> Answer:
    updates = _check(request)
    table = await context.described(TableDemand("dynamodb:UpdateTable", request["TableName"]))
    store, record = context.store, table.record
    now = context.now()
    creates = [update["Create"] for update in updates if "Create" in update]
    draft = store.draft()
    space = await draft.derived() if creates else 0

    def change(current: TableRecord | None) -> TableRecord | Refused:
        if current is None or current.space != record.space:
            return Refused(errors.table_not_found(record.name))
        try:
            changed = _change_settings(_settled(current, now), request, now)
            for update in updates:
                changed = _change_index(changed, update, space)
            changed = _with_definitions(changed, request)
        except ClientError as fault:
            return Refused(fault)
        delay = store.table_delay_seconds
        return replace(changed, status="UPDATING", settles_at=now + delay) if delay else changed

    scope = (record.account, record.region, record.name)
    specification = request.get("StreamSpecification")
    if specification is None:
        outcome = await store.catalog.change(*scope, change, draft)
    elif streaming.wants(specification):
        outcome = await streaming.enable(context, scope, record, change, specification["StreamViewType"], draft)
    else:
        outcome = await streaming.disable(context, record, change, True, draft)
    if isinstance(outcome, Refused):
        raise outcome.reason
    return {"TableDescription": await _describe(context, request, record)}


async def _describe(context: Context, request: Request, before: TableRecord) -> dict[str, Any]:
    table = await context.current(before.account, before.region, before.name)
    description = await describe(table, context.now())
    description["TableStatus"] = "UPDATING"
    gone = [index for index in before.indexes if table.record.index(index.name) is None]
    if gone:  # DynamoDB shows an index that is being deleted; here it is gone by now
        leaving = [replace(index, status="DELETING") for index in gone]
        shown = await describe(
            type(table)(
                replace(table.record, indexes=leaving), table.guard, context.store.engine, context.store.catalog
            ),
            context.now(),
        )
        description.setdefault("GlobalSecondaryIndexes", []).extend(shown["GlobalSecondaryIndexes"])
    return description


def _check(request: Request) -> list[dict[str, Any]]:
    """The index updates of a request, after the checks that need no table."""
    updates: list[dict[str, Any]] = request.get("GlobalSecondaryIndexUpdates") or []
    if not updates and not any(
        request.get(member) is not None for member in _CHANGES if member != "GlobalSecondaryIndexUpdates"
    ):
        raise errors.validation(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or "
            "SSESpecification or ReplicaUpdates is required"
        )
    if request.get("BillingMode") == "PROVISIONED" and not request.get("ProvisionedThroughput"):
        raise invalid_parameters("ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
    streaming.check(request.get("StreamSpecification"))
    if request.get("ProvisionedThroughput"):
        schemas.check_units(request["ProvisionedThroughput"])
    seen: set[str] = set()
    for update in updates:
        if not update:
            raise invalid_parameters(
                "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
                "GlobalSecondaryIndexUpdate.Delete must not be null"
            )
        if len(update) > 1:
            raise invalid_parameters(
                "Only one of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
                "GlobalSecondaryIndexUpdate.Delete may be given"
            )
        name = next(iter(update.values()))["IndexName"]
        if name in seen:
            raise invalid_parameters(
                f"Only one global secondary index update per index is allowed simultaneously. Index: {name}"
            )
        seen.add(name)
    if sum("Create" in update or "Delete" in update for update in updates) > 1:
        raise _one_at_a_time()
    return updates


def _one_at_a_time() -> ClientError:
    return errors.limit_exceeded(
        "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table"
    )


def _settled(record: TableRecord, now: float) -> TableRecord:
    """The record if it may be changed now."""
    status = record.status_at(now)
    if status is None:
        raise errors.table_not_found(record.name)
    if status != "ACTIVE":
        doing = {"CREATING": "created", "UPDATING": "updated", "DELETING": "deleted"}[status]
        raise errors.resource_in_use(
            f"Attempt to change a resource which is still in use: Table is being {doing}: {record.name}"
        )
    return replace(record, status="ACTIVE")


def _change_settings(record: TableRecord, request: Request, now: float) -> TableRecord:
    billing_mode = request.get("BillingMode") or record.billing_mode
    throughput = request.get("ProvisionedThroughput")
    if billing_mode == "PAY_PER_REQUEST" and throughput:
        raise invalid_parameters(
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
        )
    options = {**record.options, **{member: request[member] for member in schemas.KEPT if member in request}}
    changed = replace(record, options=options, billing_mode=billing_mode)
    if billing_mode == "PAY_PER_REQUEST":
        if record.billing_mode != billing_mode:
            changed = replace(changed, throughput={}, on_demand_since=round(now, 3))
            changed = replace(changed, indexes=[replace(index, throughput=None) for index in record.indexes])
    elif throughput:
        same = record.billing_mode == billing_mode
        changed = replace(changed, throughput=_new_throughput("table", record.throughput, throughput, now, same))
    return changed


def _new_throughput(
    what: str, old: dict[str, Any] | None, new: dict[str, int], now: float, refuse_same: bool
) -> dict[str, Any]:
    """Changed capacity with the dates of its last increase and decrease."""
    old = {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0, **(old or {})}
    reads = new["ReadCapacityUnits"] - old["ReadCapacityUnits"]
    writes = new["WriteCapacityUnits"] - old["WriteCapacityUnits"]
    if not reads and not writes and refuse_same:
        figures = ". ".join(
            f"Current {member} provisioned for the {what}: {old[member]}. Requested {member}: {new[member]}"
            for member in ("ReadCapacityUnits", "WriteCapacityUnits")
        )
        raise errors.validation(
            f"The provisioned throughput for the {what} will not change. The requested value equals the current value. "
            f"{figures}. Refer to the Amazon DynamoDB Developer Guide for current limits and "
            "how to request higher limits."
        )
    changed = {**old, **new}
    if reads > 0 or writes > 0:
        changed["LastIncreaseDateTime"] = round(now, 3)
    if reads < 0 or writes < 0:
        changed["LastDecreaseDateTime"] = round(now, 3)
        changed["NumberOfDecreasesToday"] = old.get("NumberOfDecreasesToday", 0) + 1
    return changed


def _change_index(record: TableRecord, update: dict[str, Any], space: int) -> TableRecord:
    kind, wanted = next(iter(update.items()))
    name = wanted["IndexName"]
    index = record.index(name)
    if kind != "Create" and (index is None or index.local):
        raise errors.resource_not_found(
            "Requested resource not found: Index: " + name + " not found"
            if kind == "Delete"
            else "Requested resource not found"
        )
    if kind == "Update":
        assert index is not None
        options = {**index.options, **{member: wanted[member] for member in schemas.INDEX_KEPT if member in wanted}}
        throughput = wanted.get("ProvisionedThroughput")
        if throughput and record.billing_mode == "PAY_PER_REQUEST":
            raise invalid_parameters(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: "
                f"{name} when BillingMode is PAY_PER_REQUEST"
            )
        return record.with_index(replace(index, throughput=throughput or index.throughput, options=options))
    if any(other.status == "CREATING" for other in record.indexes if other is not index):
        raise _one_at_a_time()
    if kind == "Delete":
        assert index is not None
        others = [other for other in record.indexes if other is not index]
        return replace(record, indexes=others, leftover=[*record.leftover, index.space])
    if index is not None:
        raise invalid_parameters(f"Attempting to create an index which already exists: Duplicate index name: {name}")
    return _create_index(record, wanted, space)


def _create_index(record: TableRecord, wanted: dict[str, Any], space: int) -> TableRecord:
    if sum(not index.local for index in record.indexes) >= GLOBAL_INDEXES_MAX:
        raise errors.limit_exceeded(f"GlobalSecondaryIndex count exceeds the per-table limit of {GLOBAL_INDEXES_MAX}")
    created = IndexRecord(
        name=wanted["IndexName"],
        local=False,
        space=space,
        key_schema=wanted["KeySchema"],
        projection=wanted["Projection"],
        status="CREATING",
        throughput=wanted.get("ProvisionedThroughput"),
        options={member: wanted[member] for member in schemas.INDEX_KEPT if member in wanted},
    )
    return replace(record, indexes=[*record.indexes, created])


def _with_definitions(changed: TableRecord, request: Request) -> TableRecord:
    """The record with its attribute definitions and those given, as far as keys use them; new indexes are checked
    against them."""
    given = request.get("AttributeDefinitions") or []
    schemas.check_definitions(given)
    merged = {definition["AttributeName"]: definition for definition in changed.definitions}
    for definition in given:
        known = merged.setdefault(definition["AttributeName"], definition)
        if known["AttributeType"] != definition["AttributeType"]:
            raise errors.validation(
                "Attributes cannot be redefined. Please check that your attribute has the same type as previously "
                f"defined. Attribute: {definition['AttributeName']}, existing type: {known['AttributeType']}"
            )
    for update in request.get("GlobalSecondaryIndexUpdates") or ():
        if "Create" in update:
            schemas.check_global_index(update["Create"], given, changed.billing_mode)
    used = {name for schema in _schemas(changed) for name in schemas.names(schema)}
    unused = [definition["AttributeName"] for definition in given if definition["AttributeName"] not in used]
    if unused:
        raise invalid_parameters(
            f"Some AttributeDefinitions are not used. AttributeDefinitions: [{', '.join(schemas.names(given))}], "
            f"unused: [{', '.join(unused)}]"
        )
    return replace(changed, definitions=[definition for name, definition in merged.items() if name in used])


def _schemas(record: TableRecord) -> list[list[dict[str, str]]]:
    return [record.key_schema, *(index.key_schema for index in record.indexes)]
