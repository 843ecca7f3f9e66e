"""ImportKeyMaterial."""

import asyncio
from base64 import b64decode
from typing import Any

from statordb.kms_api import errors
from statordb.kms_api.context import Answer, Context, Request
from statordb.kms_api.importing import check_importable
from statordb.kms_api.keys import change_any
from statordb.store.kms import imports
from statordb.store.kms.imports import BadToken, ExpiredToken, WrongMaterial
from statordb.store.kms.material import Forged
from statordb.store.kms.records import SYMMETRIC, KeyRecord
from statordb.store.kms.rotation import DAY_SECONDS

VALID_DAYS_MAX = 365  # API reference, ImportKeyMaterial
EXPIRES, STAYS = "KEY_MATERIAL_EXPIRES", "KEY_MATERIAL_DOES_NOT_EXPIRE"
_OF_SYMMETRIC = ("ImportType", "KeyMaterialId", "KeyMaterialDescription")


async def import_key_material(context: Context, request: Request) -> Answer:
    model, now = request.get("ExpirationModel") or EXPIRES, context.now()
    valid_to = _valid_to(model, request.get("ValidTo"), now)
    known: dict[str, Any] = {"kms:expirationmodel": (model,)}
    if valid_to is not None:
        known["kms:validto"] = (str(valid_to),)
    record = await context.own_key("ImportKeyMaterial", request["KeyId"], known)
    check_importable(record)
    _check_type(record, request)
    data = await _material(context, record, request)
    made = context.store.kms.keys.imported_material(record.name, data)
    if request.get("KeyMaterialId") not in (None, made.id):
        raise errors.incorrect_key_material()

    def put(current: KeyRecord) -> KeyRecord:
        check_importable(current)
        try:
            return imports.imported(current, made, valid_to, now)
        except WrongMaterial:
            raise errors.incorrect_key_material() from None

    changed = await change_any(context, record, put)
    return {"KeyId": changed.arn, "KeyMaterialId": made.id if record.spec == SYMMETRIC else None}


def _valid_to(model: str, given: float | None, now: float) -> float | None:
    """Raises ValidationException."""
    if model == STAYS:
        if given is not None:
            raise errors.validation(f"ValidTo must be omitted when ExpirationModel is {STAYS}")
        return None
    if given is None:
        raise errors.validation(f"ValidTo is required when ExpirationModel is {EXPIRES}")
    if not now < given <= now + VALID_DAYS_MAX * DAY_SECONDS:
        raise errors.validation(f"ValidTo must be in the future, and within {VALID_DAYS_MAX} days")
    return float(given)


def _check_type(record: KeyRecord, request: Request) -> None:
    """Raises UnsupportedOperationException, ValidationException."""
    if record.spec != SYMMETRIC and any(request.get(member) for member in _OF_SYMMETRIC):
        raise errors.validation(f"{', '.join(_OF_SYMMETRIC)} are for symmetric encryption keys only")
    if request.get("ImportType") == "NEW_KEY_MATERIAL" and record.materials:
        raise errors.unsupported("Further key material of a key is not supported by this server.")
    if request.get("ImportType") == "EXISTING_KEY_MATERIAL" and not record.materials:
        raise errors.incorrect_key_material()


async def _material(context: Context, record: KeyRecord, request: Request) -> bytes:
    """What was wrapped. Raises InvalidImportTokenException, ExpiredImportTokenException, InvalidCiphertextException,
    IncorrectKeyMaterialException."""
    token, wrapped = b64decode(request["ImportToken"]), b64decode(request["EncryptedKeyMaterial"])
    try:
        data = await context.store.kms.keys.imports.unwrapped(record.name, token, wrapped)
        await asyncio.to_thread(imports.check, record.spec, data)
    except BadToken:
        raise errors.invalid_import_token() from None
    except ExpiredToken:
        raise errors.expired_import_token() from None
    except Forged:
        raise errors.invalid_ciphertext() from None
    except WrongMaterial:
        raise errors.incorrect_key_material() from None
    return data
