"""Where what KMS takes differs from the letter of its service model."""

from statordb.shapes import java
from statordb.shapes.overrides import Overrides

_RANGES: dict[str, tuple[int | None, int | None]] = {
    "PendingWindowInDaysType": (7, 30),  # the model's are those of a replica; API reference, ScheduleKeyDeletion
}

KMS = Overrides(
    java_package="com.amazonaws.kms.",
    required=frozenset({("DecryptRequest", "CiphertextBlob"), ("ReEncryptRequest", "CiphertextBlob")}),
    ranges=_RANGES,
    enum_order=java.enum_order,
)
