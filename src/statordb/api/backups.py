"""Backups as requests name them, and as answers tell of them.

Texts were measured on AWS (aws-controllers-k8s, API quirks of October 2026, BACKUP-004 to -021).
"""

import re
from typing import Any

from statordb.api import encryption
from statordb.api.context import Context
from statordb.commands.demands import ResourceDemand
from statordb.model import errors
from statordb.model.arns import backup_arn, has_region, parse_backup
from statordb.store.backups.records import SYSTEM, BackupRecord
from statordb.store.records import IndexRecord, TableRecord

_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-[0-9]+|local(host)?")


class Named:
    """What the ARN of a backup names. `region`: its own, which Describe and Delete pass over."""

    __slots__ = ("account", "arn", "id", "region", "table")

    def __init__(self, arn: str, account: str, region: str, table: str, id: str) -> None:
        self.arn = arn
        self.account = account
        self.region = region
        self.table = table
        self.id = id


def parse(context: Context, arn: str) -> Named:
    """Raises ValidationException, and AccessDeniedException for another account's."""
    parts = parse_backup(arn)
    if parts is None:
        raise errors.validation("Invalid Backup ARN")
    partition, service, region, account, table, id = parts
    if service != "dynamodb" or not _REGION.fullmatch(region) or not has_region(partition, region):
        raise errors.validation("BackupArn is not valid")
    account, region = context.gate.place(context.principal, account, region)
    if account != context.principal.account:
        raise errors.access_denied("Access is denied")
    return Named(arn, account, region, table, id)


async def find(context: Context, action: str, arn: str) -> tuple[BackupRecord, Named]:
    """The backup of an ARN, in the region that is asked, for whoever may do that with it. Raises as `parse`, and
    BackupNotFoundException."""
    named, region = parse(context, arn), context.principal.region
    account, region = context.gate.place(context.principal, named.account, region)
    await context.admit(ResourceDemand(action, backup_arn(account, region, named.table, named.id)))
    record = await context.store.backups.find(account, region, named.id)
    return there(context, record, named), named


def there(context: Context, record: BackupRecord | None, named: Named) -> BackupRecord:
    """The record that an ARN names; raises BackupNotFoundException where it is of another table, expired, or none."""
    if record is None or record.table["name"] != named.table or record.is_over(context.now()):
        raise errors.backup_not_found(named.arn)
    return record


def details(record: BackupRecord, arn: str, status: str) -> dict[str, Any]:
    """BackupDetails."""
    told: dict[str, Any] = {
        "BackupArn": arn,
        "BackupName": record.name,
        "BackupSizeBytes": record.size,
        "BackupStatus": status,
        "BackupType": record.kind,
        "BackupCreationDateTime": record.created_at,
    }
    if record.expires_at is not None:
        told["BackupExpiryDateTime"] = record.expires_at
    return told


def description(record: BackupRecord, arn: str, status: str) -> dict[str, Any]:
    """BackupDescription."""
    source = record.source
    return {
        "BackupDetails": details(record, arn, status),
        "SourceTableDetails": _source(record, source),
        "SourceTableFeatureDetails": {} if record.kind == SYSTEM else _features(source),
    }


def summary(record: BackupRecord) -> dict[str, Any]:
    """A member of BackupSummaries."""
    source = record.source
    named = {"TableName": source.name, "TableId": source.id, "TableArn": source.arn}
    return {**named, **details(record, record.arn, record.status)}


def _source(record: BackupRecord, source: TableRecord) -> dict[str, Any]:
    told: dict[str, Any] = {
        "TableName": source.name,
        "TableId": source.id,
        "TableArn": source.arn,
        "TableSizeBytes": record.size,
        "KeySchema": source.key_schema,
        "TableCreationDateTime": source.created_at,
        "ProvisionedThroughput": units_of(source.throughput),
        "ItemCount": record.items,
        "BillingMode": source.billing_mode,
    }
    if source.options.get("OnDemandThroughput"):
        told["OnDemandThroughput"] = source.options["OnDemandThroughput"]
    return told


def _features(source: TableRecord) -> dict[str, Any]:
    """Only what the table has."""
    told: dict[str, Any] = {}
    for member, local in (("LocalSecondaryIndexes", True), ("GlobalSecondaryIndexes", False)):
        there = [_index(index) for index in source.indexes if index.local is local and index.status != "DELETING"]
        if there:
            told[member] = there
    if source.stream_view is not None:
        told["StreamDescription"] = {"StreamEnabled": True, "StreamViewType": source.stream_view}
    if source.expiry is not None:
        told["TimeToLiveDescription"] = {"TimeToLiveStatus": "ENABLED", "AttributeName": source.expiry.attribute}
    encrypted = encryption.describe(source)
    if encrypted is not None:
        told["SSEDescription"] = encrypted
    return told


def _index(index: IndexRecord) -> dict[str, Any]:
    told = {"IndexName": index.name, "KeySchema": index.key_schema, "Projection": index.projection}
    if index.local:
        return told
    told["ProvisionedThroughput"] = units_of(index.throughput)
    if index.options.get("OnDemandThroughput"):
        told["OnDemandThroughput"] = index.options["OnDemandThroughput"]
    return told


def units_of(throughput: dict[str, Any] | None) -> dict[str, int]:
    """What is provisioned, without what is known of its changes."""
    return {member: (throughput or {}).get(member, 0) for member in ("ReadCapacityUnits", "WriteCapacityUnits")}
