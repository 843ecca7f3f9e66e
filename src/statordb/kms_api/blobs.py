"""What cryptographic operations take and give: plaintexts, ciphertexts, encryption contexts."""

from base64 import b64decode, b64encode
from collections.abc import Mapping

from statordb.kms_api import errors
from statordb.kms_api.context import Context, Request, unusable
from statordb.kms_api.keys import SYMMETRIC
from statordb.model.kms_limits import CIPHERTEXT_BYTES_MAX, CONTEXT_BYTES_MAX, PLAINTEXT_BYTES_MAX
from statordb.store.kms import material
from statordb.store.kms.material import Blob, Forged
from statordb.store.kms.records import KeyName, KeyRecord

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


def check_algorithm(record: KeyRecord, asked: str | None) -> None:
    """Raises InvalidKeyUsageException."""
    if asked not in (None, SYMMETRIC):
        raise errors.of(
            "InvalidKeyUsageException",
            f"The algorithm {asked} is incompatible with the key spec {SYMMETRIC} of {record.arn}.",
        )


def check_recipient(request: Request) -> None:
    if request.get("Recipient") is not None:
        raise errors.unsupported("Recipient is not supported by this server.")


async def source(context: Context, request: Request, action: str, key_id: str | None) -> tuple[KeyRecord, Blob]:
    """The key that made the request's ciphertext, usable, and the ciphertext taken apart.

    `key_id`: which one it must be; None: whichever it says. Raises what `Context.usable` does, IncorrectKeyException,
    InvalidCiphertextException, and AccessDeniedException where it names a key that is not there.
    """
    data = _bytes(request["CiphertextBlob"], "ciphertextBlob", CIPHERTEXT_BYTES_MAX)
    given = None if key_id is None else await context.usable(action, key_id)
    try:
        blob = material.take_apart(data)
    except Forged:
        raise errors.invalid_ciphertext() from None
    if given is not None:
        if blob.key != given.name:
            raise errors.incorrect_key()
        return given, blob
    return await _named(context, action, blob.key), blob


async def _named(context: Context, action: str, name: KeyName) -> KeyRecord:
    principal = context.principal
    if name.account != principal.account or name.region != principal.region:
        raise errors.ciphertext_of_another()
    record = await context.store.kms.keys.find(name)
    if record is None:
        raise errors.ciphertext_of_another()
    record = await context.key(action, record.arn)
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
