"""Imports as answers tell of them.

What is told was measured on AWS (aws-controllers-k8s, API quirks of October 2026, IMPORT-003 and -004).
"""

from typing import Any

from statordb.api import jobs
from statordb.store.jobs.records import ImportRecord

LOG_GROUP = "/aws-dynamodb/imports"


def description(record: ImportRecord) -> dict[str, Any]:
    """ImportTableDescription."""
    asked = record.asked
    told: dict[str, Any] = {
        "ImportArn": record.arn,
        "ImportStatus": record.status,
        "TableArn": record.table_arn,
        "TableId": record.table_id,
        "S3BucketSource": _source(record),
        "ErrorCount": record.errors,
        "CloudWatchLogGroupArn": _log_group(record),
        "InputFormat": asked["InputFormat"],
        "InputCompressionType": asked.get("InputCompressionType") or "NONE",
        "TableCreationParameters": asked["TableCreationParameters"],
        "StartTime": record.started_at,
        "ProcessedSizeBytes": record.size,
        "ProcessedItemCount": record.processed,
        "ImportedItemCount": record.processed - record.errors,
    }
    if asked.get("InputFormatOptions"):
        told["InputFormatOptions"] = asked["InputFormatOptions"]
    return told | jobs.ending(record)


def summary(record: ImportRecord) -> dict[str, Any]:
    """A member of ImportSummaryList."""
    told: dict[str, Any] = {
        "ImportArn": record.arn,
        "ImportStatus": record.status,
        "TableArn": record.table_arn,
        "S3BucketSource": _source(record),
        "CloudWatchLogGroupArn": _log_group(record),
        "InputFormat": record.asked["InputFormat"],
        "StartTime": record.started_at,
    }
    if record.ended_at is not None:
        told["EndTime"] = record.ended_at
    return told


def _source(record: ImportRecord) -> dict[str, str]:
    return {"S3BucketOwner": record.account, **record.asked["S3BucketSource"]}


def _log_group(record: ImportRecord) -> str:
    return f"arn:aws:logs:{record.region}:{record.account}:log-group:{LOG_GROUP}:*"
