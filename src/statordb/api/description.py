"""TableDescription, as DescribeTable and its kin give it."""

from operator import itemgetter
from typing import Any

from statordb.api import encryption
from statordb.commands import throughput
from statordb.commands.warm_throughput import warm_figures
from statordb.store.records import IndexRecord, RestoreRecord, TableRecord
from statordb.store.table import Table

INDEX_ENTRY_OVERHEAD_BYTES = 100  # developer guide, "Storage considerations for global secondary indexes"


async def describe(table: Table, now: float) -> dict[str, Any]:
    """The description of a table as it is, with its counts."""
    usage = await table.usage()
    description = outline(table.record, table.record.status_at(now) or "DELETING", now)
    description["ItemCount"], description["TableSizeBytes"] = usage.rows, usage.bytes
    for index in table.record.indexes:
        rows, size = await table.usage(index.space)
        member = "LocalSecondaryIndexes" if index.local else "GlobalSecondaryIndexes"
        for described in description[member]:
            if described["IndexName"] == index.name:
                described["ItemCount"] = rows
                described["IndexSizeBytes"] = size + rows * INDEX_ENTRY_OVERHEAD_BYTES
    encryption.show_closed(description, table)
    return description


def outline(record: TableRecord, status: str, now: float) -> dict[str, Any]:
    """The description without looking at the data: counts are 0."""
    description: dict[str, Any] = {
        "AttributeDefinitions": sorted(record.definitions, key=itemgetter("AttributeName")),
        "TableName": record.name,
        "KeySchema": record.key_schema,
        "TableStatus": status,
        "CreationDateTime": record.created_at,
        "ProvisionedThroughput": throughput_of(record.throughput, now),
        "TableSizeBytes": 0,
        "ItemCount": 0,
        "TableArn": record.arn,
        "TableId": record.id,
        "DeletionProtectionEnabled": False,
    }
    if record.billing_mode == "PAY_PER_REQUEST" or record.on_demand_since is not None:
        summary: dict[str, Any] = {"BillingMode": record.billing_mode}
        if record.on_demand_since is not None:
            summary["LastUpdateToPayPerRequestDateTime"] = record.on_demand_since
        description["BillingModeSummary"] = summary
    for member, local in (("LocalSecondaryIndexes", True), ("GlobalSecondaryIndexes", False)):
        indexes = [_index(record, index, status, now) for index in record.indexes if index.local is local]
        if indexes:
            description[member] = indexes
    if record.stream_view is not None:
        description["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": record.stream_view}
    if record.stream_label is not None:
        description["LatestStreamLabel"] = record.stream_label
        description["LatestStreamArn"] = f"{record.arn}/stream/{record.stream_label}"
    description.update(_options(record))
    if record.restore is not None:
        description["RestoreSummary"] = _restored(record.restore)
    return description


def _restored(restore: RestoreRecord) -> dict[str, Any]:
    """RestoreSummary, of a table as long as it is being filled."""
    told = {"SourceTableArn": restore.source, "RestoreDateTime": restore.at, "RestoreInProgress": True}
    return {"SourceBackupArn": restore.backup, **told} if restore.backup else told


def coming(record: TableRecord) -> dict[str, Any]:
    """The description of a table that is being created, as CreateTable gives it: some of it comes true later."""
    description = outline(record, "CREATING", record.created_at)
    if "BillingModeSummary" in description:
        description["BillingModeSummary"].pop("LastUpdateToPayPerRequestDateTime", None)
    indexes = {index.name: index for index in record.indexes}
    _show_coming(description, record.options)
    for described in description.get("GlobalSecondaryIndexes", ()):
        _show_coming(described, indexes[described["IndexName"]].options)
    return description


def _show_coming(described: dict[str, Any], options: dict[str, Any]) -> None:
    """Warm throughput where it was asked for, and else not yet (aws-controllers-k8s, October 2026, TABLE-028)."""
    if options.get("WarmThroughput"):
        described["WarmThroughput"]["Status"] = "UPDATING"
    else:
        del described["WarmThroughput"]


def _options(record: TableRecord) -> dict[str, Any]:
    """Members of the request that are kept, in the shape that a description has."""
    options = {member: value for member, value in record.options.items() if value != {}}
    kept = options.pop("WarmThroughput", None)
    described: dict[str, Any] = {"WarmThroughput": _warm(record.billing_mode, record.throughput, kept)}
    table_class = options.pop("TableClass", None)
    if table_class is not None:
        described["TableClassSummary"] = {"TableClass": table_class}
    options.pop("SSESpecification", None)
    encrypted = encryption.describe(record)
    if encrypted is not None:
        described["SSEDescription"] = encrypted
    return {**described, **options}


def _warm(billing_mode: str, units: dict[str, Any] | None, kept: dict[str, Any] | None) -> dict[str, Any]:
    return {**warm_figures(billing_mode, units, kept), "Status": "ACTIVE"}


def throughput_of(units: dict[str, Any] | None, now: float) -> dict[str, Any]:
    """ProvisionedThroughput of a description."""
    decreases = throughput.decreases(units, now)
    return {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0, **(units or {}), "NumberOfDecreasesToday": decreases}


def _projection(index: IndexRecord) -> dict[str, Any]:
    """Names are sorted, whatever the request had (aws-controllers-k8s, API quirks of October 2026, TABLE-125)."""
    listed = index.projection.get("NonKeyAttributes")
    return index.projection if listed is None else {**index.projection, "NonKeyAttributes": sorted(listed)}


def _index(record: TableRecord, index: IndexRecord, table_status: str, now: float) -> dict[str, Any]:
    described: dict[str, Any] = {
        "IndexName": index.name,
        "KeySchema": index.key_schema,
        "Projection": _projection(index),
        "IndexSizeBytes": 0,
        "ItemCount": 0,
        "IndexArn": f"{record.arn}/index/{index.name}",
    }
    if not index.local:
        described["IndexStatus"] = "CREATING" if table_status == "CREATING" else index.status
        described["ProvisionedThroughput"] = throughput_of(index.throughput, now)
        if index.status == "CREATING":
            described["Backfilling"] = index.backfilling
        described.update((member, value) for member, value in index.options.items() if value != {})
        kept = index.options.get("WarmThroughput")
        described["WarmThroughput"] = _warm(record.billing_mode, index.throughput, kept)
    return described
