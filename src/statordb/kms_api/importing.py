"""What operations on imported key material have in common."""

from statordb.kms_api import errors
from statordb.kms_api.context import pending
from statordb.store.kms.records import EXTERNAL, KeyRecord


def check_origin(record: KeyRecord) -> None:
    """Raises UnsupportedOperationException for a key whose material is not brought from elsewhere."""
    if record.origin != EXTERNAL:
        raise errors.invalid_origin(record.arn, record.origin)


def check_importable(record: KeyRecord) -> None:
    """Raises also KMSInvalidStateException."""
    check_origin(record)
    fault = pending(record)
    if fault is not None:
        raise fault
