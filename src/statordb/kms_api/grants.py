"""Grants as the API takes and shows them."""

from typing import Any

from statordb.kms_api import errors
from statordb.store.kms.records import GrantRecord, KeyRecord

# What a symmetric key can be asked for. API reference, CreateGrant.
OPERATIONS = frozenset(
    {
        "Decrypt",
        "Encrypt",
        "GenerateDataKey",
        "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext",
        "GenerateDataKeyWithoutPlaintext",
        "ReEncryptFrom",
        "ReEncryptTo",
        "CreateGrant",
        "RetireGrant",
        "DescribeKey",
    }
)


def check_operations(record: KeyRecord, operations: list[str]) -> None:
    """Raises ValidationException."""
    if not operations:
        raise errors.validation("Operations must not be empty")
    other = [each for each in operations if each not in OPERATIONS]
    if other:
        raise errors.validation(
            f"The grant operation {other[0]} is not supported for the key spec SYMMETRIC_DEFAULT of {record.arn}."
        )


def check_id(id: str) -> None:
    """Raises InvalidGrantIdException."""
    if len(id) != 64 or not all(each in "0123456789abcdef" for each in id):
        raise errors.invalid_grant_id()


def shown(record: KeyRecord, grant: GrantRecord) -> dict[str, Any]:
    """GrantListEntry."""
    entry = {
        "KeyId": record.arn,
        "GrantId": grant.id,
        "Name": grant.name or "",
        "CreationDate": round(grant.created_at, 3),
        "GranteePrincipal": grant.grantee,
        "RetiringPrincipal": grant.retiring,
        "IssuingAccount": f"arn:aws:iam::{grant.issuer}:root",
        "Operations": grant.operations,
        "Constraints": grant.constraints or None,
    }
    return {name: value for name, value in entry.items() if value is not None}
