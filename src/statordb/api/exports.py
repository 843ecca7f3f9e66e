"""Exports as answers tell of them, and what a request for one may say.

What is told was measured on AWS (aws-controllers-k8s, API quirks of October 2026, EXPORT-001 to -022).
"""

from typing import Any

from statordb.api import jobs
from statordb.api.context import Request
from statordb.api.recovery import text_of
from statordb.model import errors
from statordb.model.export_errors import invalid_export_time
from statordb.model.limits import EXPORT_WINDOW_SECONDS_MAX, EXPORT_WINDOW_SECONDS_MIN
from statordb.store.jobs.records import COMPLETED, ExportRecord

_SHOWN = ("S3Bucket", "S3BucketOwner", "S3Prefix", "S3SseKmsKeyId", "ExportType", "FilterSpecification")


def description(record: ExportRecord) -> dict[str, Any]:
    """ExportDescription. ExportType is told only where it was said."""
    asked = record.asked
    told: dict[str, Any] = {
        "ExportArn": record.arn,
        "ExportStatus": record.status,
        "StartTime": record.started_at,
        "TableArn": record.table_arn,
        "TableId": record.table_id,
        "S3SseAlgorithm": record.sse_algorithm,
        "ExportFormat": record.export_format,
        "DestinationType": "S3",
        **{member: asked[member] for member in _SHOWN if asked.get(member) is not None},
    }
    if record.since is None:
        told["ExportTime"] = record.until
    else:
        told["IncrementalExportSpecification"] = {
            "ExportFromTime": record.since,
            "ExportToTime": record.until,
            "ExportViewType": record.view,
        }
    if record.status == COMPLETED:
        told["ExportManifest"] = record.layout.summary
        told["ItemCount"], told["BilledSizeBytes"] = record.items, record.size
    return told | jobs.ending(record)


def summary(record: ExportRecord) -> dict[str, Any]:
    """A member of ExportSummaries; of a minimal request too AWS tells the type here (EXPORT-016)."""
    kind = "INCREMENTAL_EXPORT" if record.is_incremental else "FULL_EXPORT"
    return {"ExportArn": record.arn, "ExportStatus": record.status, "ExportType": kind}


def check(request: Request) -> None:
    """Members that contradict each other. Raises ValidationException (EXPORT-003 and -005)."""
    window, kind = request.get("IncrementalExportSpecification"), request.get("ExportType")
    if kind == "INCREMENTAL_EXPORT":
        if window is None:
            raise errors.invalid_request(
                "Incremental Export Specification expected when export type is set as Incremental Export"
            )
        if window.get("ExportFromTime") is None:
            raise errors.invalid_request("ExportFromTime must be provided in IncrementalExportSpecification")
    elif window is not None:
        if kind is None:
            raise errors.invalid_request(
                "Export Type expected to be Incremental Export when incremental export specification is provided"
            )
        raise errors.invalid_request(
            "When Export Type is Full Export , Incremental Export Specification should not be provided"
        )
    jobs.check_encryption(request)


def window(request: Request, created_at: float, now: float) -> tuple[float, float] | None:
    """From when to when an incremental export goes; None for a full one. Raises InvalidExportTimeException in AWS's
    order (EXPORT-004), which quotes the time that was asked for."""
    given = request.get("IncrementalExportSpecification")
    if given is None:
        return None
    since = round(float(given["ExportFromTime"]), 3)
    until = float(now // 1) if given.get("ExportToTime") is None else round(float(given["ExportToTime"]), 3)
    if since < created_at // 1:
        raise invalid_export_time(
            f"Incremental export period from time cannot be less than the table creation time : {text_of(since)}"
        )
    if until > now:
        raise invalid_export_time(
            f"Incremental export period to time cannot be greater than the current time : {text_of(until)}"
        )
    between = "Difference between export period from time and export period to time is"
    if until - since < EXPORT_WINDOW_SECONDS_MIN:
        raise invalid_export_time(f"{between} less than 15 minutes")
    if until - since > EXPORT_WINDOW_SECONDS_MAX:
        raise invalid_export_time(f"{between} greater than 24 hours")
    return since, until
