"""Encrypting and decrypting by keys of either kind: symmetric ones, whose blobs name them, and those of RSA."""

import asyncio
from base64 import b64decode
from typing import NamedTuple

from statordb.kms_api import blobs, errors
from statordb.kms_api.blobs import EncryptionContext
from statordb.kms_api.context import Context, Request
from statordb.model.kms_limits import CIPHERTEXT_BYTES_MAX
from statordb.store.kms import oaep
from statordb.store.kms.material import Blob, Forged
from statordb.store.kms.records import SYMMETRIC, KeyRecord


class Source(NamedTuple):
    """What is to be decrypted. `data`: a blob taken apart, or a ciphertext of RSA."""

    record: KeyRecord
    algorithm: str
    data: Blob | bytes

    @property
    def material_id(self) -> str | None:
        """Of the material that encrypted it; None for keys of RSA, which have but one."""
        return self.record.materials[self.data.place].id if isinstance(self.data, Blob) else None


async def target(
    context: Context, action: str, key_id: str, asked: str | None, given: EncryptionContext
) -> tuple[KeyRecord, str]:
    """The key that is to encrypt, and the algorithm. Raises as `Context.usable`, and InvalidKeyUsageException,
    ValidationException."""
    algorithm = asked or SYMMETRIC
    record = await context.usable(action, key_id, given, {"kms:encryptionalgorithm": (algorithm,)})
    _check(record, algorithm, given)
    return record, algorithm


async def source(
    context: Context,
    request: Request,
    action: str,
    key_id: str | None,
    asked: str | None,
    given: EncryptionContext,
) -> Source:
    """The request's ciphertext and its key, usable. Raises as `target`, and as `blobs.source`."""
    algorithm = asked or SYMMETRIC
    if algorithm == SYMMETRIC:
        return Source(*await _symmetric(context, request, action, key_id, given))
    if key_id is None:
        raise errors.validation(f"A ciphertext of {algorithm} does not tell its key: KeyId must be given.")
    record, algorithm = await target(context, action, key_id, algorithm, given)
    data = b64decode(request["CiphertextBlob"])
    if not data:
        raise errors.too_short("ciphertextBlob")
    if len(data) > CIPHERTEXT_BYTES_MAX:
        raise errors.too_long("ciphertextBlob", len(data), CIPHERTEXT_BYTES_MAX)
    return Source(record, algorithm, data)


async def _symmetric(
    context: Context, request: Request, action: str, key_id: str | None, given: EncryptionContext
) -> tuple[KeyRecord, str, Blob]:
    record, blob = await blobs.source(context, request, action, key_id, given)
    return record, SYMMETRIC, blob


async def opened(context: Context, source: Source, given: EncryptionContext) -> bytes:
    """The plaintext. Raises InvalidCiphertextException."""
    record, algorithm, data = source
    if isinstance(data, Blob):
        return blobs.opened(context, record, data, given)
    private = context.store.kms.keys.private(record)
    try:
        return await asyncio.to_thread(oaep.decrypt, private, algorithm, data)
    except Forged:
        raise errors.invalid_ciphertext() from None


def check_size(record: KeyRecord, algorithm: str, plaintext: bytes) -> None:
    """Raises ValidationException for what is more than a key of RSA encrypts."""
    if algorithm == SYMMETRIC:
        return
    maximum = oaep.plaintext_bytes_max(record.spec, algorithm)
    if len(plaintext) > maximum:
        raise errors.validation(
            f"Algorithm {algorithm} and key spec {record.spec} cannot encrypt data larger than {maximum} bytes."
        )


async def sealed(
    context: Context, record: KeyRecord, algorithm: str, plaintext: bytes, given: EncryptionContext
) -> bytes:
    """The ciphertext."""
    keys = context.store.kms.keys
    if algorithm == SYMMETRIC:
        return keys.encrypt(record, plaintext, given)
    return await asyncio.to_thread(oaep.encrypt, keys.private(record), algorithm, plaintext)


def _check(record: KeyRecord, algorithm: str, given: EncryptionContext) -> None:
    blobs.check_algorithm(record, algorithm)
    if given and algorithm != SYMMETRIC:
        raise errors.validation("An encryption context is for symmetric keys only.")
