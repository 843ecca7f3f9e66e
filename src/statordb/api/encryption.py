"""SSESpecification: its checks, and the description that it makes. Nothing is encrypted by it.

Rules and texts were measured on AWS (aws-controllers-k8s, API quirks of October 2026).
"""

import uuid
from collections.abc import Mapping
from typing import Any

from statordb.model.errors import invalid_parameters
from statordb.store.records import TableRecord

MANAGED = "alias/aws/dynamodb"
_NAMES = uuid.UUID("3f0c5a44-94b1-4b0e-9d59-6f3c1b6e6a51")  # of key ids that are made up: never change it

Specification = Mapping[str, Any]


def check(wanted: Specification | None) -> None:
    """Members that contradict each other."""
    if wanted is None:
        return
    kind, key = wanted.get("SSEType"), wanted.get("KMSMasterKeyId")
    if kind == "AES256":
        raise invalid_parameters("SSEType AES256 is not supported")
    if wanted.get("Enabled") is False:
        for member in ("SSEType", "KMSMasterKeyId"):
            if wanted.get(member) is not None:
                raise invalid_parameters(f"{member} can not be specified if Enabled is false")
    if key is not None and kind is None:
        raise invalid_parameters("SSEType KMS is required if KMSMasterKeyId is specified")


def enabled(specification: Specification | None) -> bool:
    """Whether a key of KMS is asked for: one of AWS's own is not told of."""
    return bool(specification) and specification.get("Enabled", True)  # type: ignore[union-attr]


def changed(record: TableRecord, wanted: Specification) -> Specification:
    """The table's specification after an update."""
    current = record.options.get("SSESpecification")
    if not wanted or (not enabled(wanted) and not enabled(current)):
        raise invalid_parameters("Table is already encrypted by default")
    if enabled(current) and wanted.get("KMSMasterKeyId") == key_arn(record, current):
        raise invalid_parameters(
            "Table is already encrypted with given KMSMasterKeyId. Use KMSMasterKeyId parameter if you want to change "
            "Master Key"
        )
    return wanted


def describe(record: TableRecord) -> dict[str, Any] | None:
    """SSEDescription; None where there is none."""
    specification = record.options.get("SSESpecification")
    if not enabled(specification):
        return None
    return {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": key_arn(record, specification)}


def key_arn(record: TableRecord, specification: Specification | None) -> str:
    """The ARN of the key that is meant: of an alias the same one each time, by account and region."""
    key: str = (specification or {}).get("KMSMasterKeyId") or MANAGED
    if ":key/" in key:
        return key
    alias = key.rpartition(":")[2]
    if alias.startswith("alias/"):
        key = str(uuid.uuid5(_NAMES, f"{record.account}/{record.region}/{alias}"))
    return f"arn:aws:kms:{record.region}:{record.account}:key/{key}"
