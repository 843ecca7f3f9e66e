"""The errors of operations on jobs: imports and bulk operations."""

from statordb.model.errors import SERVICE, ClientError, limit_exceeded


def import_not_found(arn: str) -> ClientError:
    return ClientError(SERVICE + "ImportNotFoundException", f"Import not found: {arn}")


def import_conflict() -> ClientError:
    return ClientError(
        SERVICE + "ImportConflictException",
        "Import conflict: Duplicate request detected with conflicting parameters",
    )


def too_many_imports(most: int) -> ClientError:
    return limit_exceeded(f"Only {most} import operations can be in progress at a time")


def too_many_bulk_operations(most: int) -> ClientError:
    return limit_exceeded(f"Only {most} bulk operations can be in progress at a time")
