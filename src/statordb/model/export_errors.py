"""The errors of exports.

Texts were measured on AWS (aws-controllers-k8s, API quirks of October 2026, EXPORT-001 to -009), but for those that
docs/compatibility.md lists.
"""

from statordb.model.errors import SERVICE, ClientError, limit_exceeded


def export_not_found(why: str) -> ClientError:
    return ClientError(SERVICE + "ExportNotFoundException", f"Export not found: {why}")


def export_conflict() -> ClientError:
    return ClientError(
        SERVICE + "ExportConflictException",
        "Export conflict: Duplicate request detected with conflicting parameters",
    )


def invalid_export_time(message: str) -> ClientError:
    return ClientError(SERVICE + "InvalidExportTimeException", message)


def too_many_exports(most: int) -> ClientError:
    return limit_exceeded(f"Only {most} export operations can be in progress at a time")
