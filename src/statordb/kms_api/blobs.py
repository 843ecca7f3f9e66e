"""What cryptographic operations take and give: plaintexts, ciphertexts, encryption contexts."""

from base64 import b64decode, b64encode
from collections.abc import Mapping

from statordb.kms_api import errors
from statordb.kms_api.context import Context, Request, unusable
from statordb.model.errors import ClientError
from statordb.model.kms_limits import CIPHERTEXT_BYTES_MAX, CONTEXT_BYTES_MAX, PLAINTEXT_BYTES_MAX
from statordb.store.kms import material
from statordb.store.kms.material import Blob, Forged
from statordb.store.kms.records import SYMMETRIC, KeyName, KeyRecord

EncryptionContext = Mapping[str, str] | None


def text(data: bytes) -> str:
    """Bytes as an answer has them."""
    return b64encode(data).decode()


def plaintext(request: Request) -> bytes:
    return _bytes(request["Plaintext"], "plaintext", PLAINTEXT_BYTES_MAX)


def context_of(request: Request, member: str = "EncryptionContext") -> EncryptionContext:
    """Raises ValidationException for one that is too large."""
    given: EncryptionContext = request.get(member)
    if given and sum(len(name.encode()) + len(value.encode()) for name, value in given.items()) > CONTEXT_BYTES_MAX:
        raise errors.validation(f"The encryption context has more than {CONTEXT_BYTES_MAX} bytes")
    return given


def check_algorithm(record: KeyRecord, algorithm: str = SYMMETRIC) -> None:
    """Raises InvalidKeyUsageException."""
    if algorithm not in record.algorithms:
        raise errors.invalid_algorithm(record.arn, record.spec, algorithm)


def check_recipient(request: Request) -> None:
    if request.get("Recipient") is not None:
        raise errors.unsupported("Recipient is not supported by this server.")


async def source(
    context: Context, request: Request, action: str, key_id: str | None, given: EncryptionContext
) -> tuple[KeyRecord, Blob]:
    """The key that made the request's ciphertext, usable, and the ciphertext taken apart.

    `key_id`: which one it must be; None: whichever it says. `given`: the encryption context. Raises what
    `Context.usable` does, IncorrectKeyException, InvalidCiphertextException, and AccessDeniedException where it names
    a key that is not there, or another account's that may not be used.
    """
    data = _bytes(request["CiphertextBlob"], "ciphertextBlob", CIPHERTEXT_BYTES_MAX)
    wanted = None if key_id is None else await context.usable(action, key_id, given)
    if wanted is not None:
        check_algorithm(wanted)
    try:
        blob = material.take_apart(data)
    except Forged:
        raise errors.invalid_ciphertext() from None
    if wanted is not None:
        if blob.key != wanted.name:
            raise errors.incorrect_key()
        return wanted, blob
    return await _named(context, action, blob.key, given), blob


async def _named(context: Context, action: str, name: KeyName, given: EncryptionContext) -> KeyRecord:
    principal = context.principal
    record = await context.store.kms.keys.find(name) if name.region == principal.region else None
    if record is None:
        raise errors.ciphertext_of_another()
    try:
        await context.admit_key(action, record, given)
    except ClientError:
        if name.account == principal.account:
            raise
        raise errors.ciphertext_of_another() from None
    fault = unusable(record)
    if fault is not None:
        raise fault
    return record


def opened(context: Context, record: KeyRecord, blob: Blob, given: EncryptionContext) -> bytes:
    """The plaintext. Raises InvalidCiphertextException."""
    try:
        return context.store.kms.keys.decrypt(record, blob, given)
    except Forged:
        raise errors.invalid_ciphertext() from None


def _bytes(text: str, member: str, maximum: int) -> bytes:
    data = b64decode(text)
    if not data:
        raise errors.too_short(member)
    if len(data) > maximum:
        raise errors.too_long(member, len(data), maximum)
    return data
