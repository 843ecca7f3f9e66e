"""Bulk operations as answers tell of them (service model, BulkOperationDescription)."""

from typing import Any

from statordb.api import jobs
from statordb.api.context import Context
from statordb.commands.demands import ResourceDemand
from statordb.model import errors
from statordb.store.jobs.records import BulkRecord

_RESOURCE = "bulk-operation"
_TABLE = ""  # of a record's usage


async def find(context: Context, action: str, arn: str) -> BulkRecord:
    """The operation of an ARN, for whoever may do that with it. Raises ValidationException, AccessDeniedException,
    ResourceNotFoundException."""
    named = jobs.parse(context, arn, _RESOURCE, "Invalid Bulk Operation ARN")
    await context.admit(ResourceDemand(action, arn))
    record = None
    if (named.account, named.region) == jobs.scope(context):
        record = await context.store.bulk_operations.find(named.account, named.region, named.id)
    if record is None or record.table != named.table:
        raise errors.resource_not_found(f"Requested resource not found: Bulk operation: {arn} not found")
    return record


def description(record: BulkRecord) -> dict[str, Any]:
    """BulkOperationDescription."""
    asked = record.asked
    told: dict[str, Any] = {
        "BulkOperationArn": record.arn,
        "BulkOperationStatus": record.status,
        "TableDetails": [{"TableName": record.table, "TableId": record.table_id}],
        "InputS3Configuration": {
            "S3BucketOwner": record.account, "InputCompressionType": "NONE", **asked["InputS3Configuration"]
        },
        "OutputS3Configuration": {"S3BucketOwner": record.account, **asked["OutputS3Configuration"]},
        "StartTime": record.started_at,
        "ProcessedItemCount": record.processed,
        "ProcessedInputBytes": record.taken,
        "FailedItemCount": record.failed,
        "PerformanceTier": asked.get("PerformanceTier") or "STANDARD",
        "BulkOperationUsage": [_usage(record)],
    }  # fmt: skip
    if record.total is not None:
        told["TotalInputBytes"] = record.total
    if asked.get("MaxWriteRequestUnits") is not None:
        told["MaxWriteRequestUnits"] = asked["MaxWriteRequestUnits"]
    return told | jobs.ending(record)


def summary(record: BulkRecord) -> dict[str, Any]:
    """A member of BulkOperationsSummaryList."""
    told: dict[str, Any] = {
        "BulkOperationArn": record.arn,
        "BulkOperationStatus": record.status,
        "StartTime": record.started_at,
    }
    if record.ended_at is not None:
        told["EndTime"] = record.ended_at
    return told


def _usage(record: BulkRecord) -> dict[str, Any]:
    used = record.usage
    told: dict[str, Any] = {
        "TableName": record.table,
        "BulkPutBytes": sum(used.values()),
        "Table": {"BulkPutBytes": used.get(_TABLE, 0)},
    }
    for member, local in (("LocalSecondaryIndexes", True), ("GlobalSecondaryIndexes", False)):
        found = {
            name: {"BulkPutBytes": size} for name, size in used.items() if name and (name in record.local) is local
        }
        if found:
            told[member] = found
    return told
