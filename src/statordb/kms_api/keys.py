"""Keys as the API shows them, and how it changes them."""

from collections.abc import Callable
from typing import Any

from statordb.kms_api import errors
from statordb.kms_api.context import Context, pending
from statordb.model.errors import ClientError
from statordb.store.kms.records import ENABLED, EXTERNAL, MACS, PENDING_DELETION, SIGNATURES, SYMMETRIC, KeyRecord
from statordb.store.terms import Refused


def metadata(record: KeyRecord) -> dict[str, Any]:
    """KeyMetadata."""
    shown = {
        "AWSAccountId": record.account,
        "KeyId": record.id,
        "Arn": record.arn,
        "CreationDate": round(record.created_at, 3),
        "Enabled": record.state == ENABLED,
        "Description": record.description,
        "KeyUsage": record.usage,
        "KeyState": record.state,
        "Origin": record.origin,
        "KeyManager": record.manager,
        "CustomerMasterKeySpec": record.spec,
        "KeySpec": record.spec,
        "MultiRegion": False,
    }
    if record.spec == SYMMETRIC:
        shown["EncryptionAlgorithms"] = [SYMMETRIC]
        if record.material_id is not None:
            shown["CurrentKeyMaterialId"] = record.material_id
    elif record.algorithms:
        shown["EncryptionAlgorithms"] = list(record.algorithms)
    elif record.spec in SIGNATURES:
        shown["SigningAlgorithms"] = list(SIGNATURES[record.spec])
    else:
        shown["MacAlgorithms"] = [MACS[record.spec]]
    if record.origin == EXTERNAL and record.has_material:
        shown |= expiration(record)
    if record.state == PENDING_DELETION and record.deletes_at is not None:
        shown["DeletionDate"] = round(record.deletes_at, 3)
    return shown


def expiration(record: KeyRecord) -> dict[str, Any]:
    """Until when the imported material of a key is there."""
    if record.valid_to is None:
        return {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
    return {"ExpirationModel": "KEY_MATERIAL_EXPIRES", "ValidTo": round(record.valid_to, 3)}


async def change(context: Context, record: KeyRecord, make: Callable[[KeyRecord], KeyRecord]) -> KeyRecord:
    """Alter a key that does not wait for its deletion; see `change_any`. Raises also KMSInvalidStateException."""

    def checked(current: KeyRecord) -> KeyRecord:
        fault = pending(current)
        if fault is not None:
            raise fault
        return make(current)

    return await change_any(context, record, checked)


async def change_any(context: Context, record: KeyRecord, make: Callable[[KeyRecord], KeyRecord]) -> KeyRecord:
    """Alter a key as it is now. `make` may raise ClientError, as this does where the key is gone."""

    def changed(current: KeyRecord | None) -> KeyRecord | Refused:
        if current is None:
            return Refused(errors.key_not_found(record.arn))
        try:
            return make(current)
        except ClientError as fault:
            return Refused(fault)

    outcome = await context.store.kms.keys.change(record.name, changed)
    if isinstance(outcome, Refused):
        raise outcome.reason
    assert outcome is not None
    return outcome
