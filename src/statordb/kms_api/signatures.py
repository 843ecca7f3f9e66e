"""What Sign and Verify share: the message, and the key that may do that with it."""

from base64 import b64decode

from statordb.kms_api import errors
from statordb.kms_api.context import Context, Request
from statordb.model.errors import ClientError
from statordb.model.kms_limits import PLAINTEXT_BYTES_MAX
from statordb.store.kms.records import SIGN_VERIFY, SIGNATURES, KeyRecord

RAW, DIGEST = "RAW", "DIGEST"


async def key_and_message(context: Context, action: str, request: Request) -> tuple[KeyRecord, bytes, bool]:
    """The key, the message, and whether that is a digest. Raises as `Context.usable` does, and ValidationException,
    InvalidKeyUsageException, UnsupportedOperationException, DryRunOperationException."""
    message, algorithm = b64decode(request["Message"]), request["SigningAlgorithm"]
    kind = request.get("MessageType") or RAW
    if not message:
        raise errors.too_short("message")
    if len(message) > PLAINTEXT_BYTES_MAX:
        raise errors.too_long("message", len(message), PLAINTEXT_BYTES_MAX)
    known = {"kms:signingalgorithm": (algorithm,), "kms:messagetype": (kind,)}
    record = await context.usable(action, request["KeyId"], None, known, SIGN_VERIFY)
    if algorithm not in SIGNATURES[record.spec]:
        raise errors.invalid_algorithm(record.arn, record.spec, algorithm)
    if kind not in (RAW, DIGEST):
        raise errors.unsupported(f"The message type {kind} is not supported by this server.")
    if request.get("DryRun"):
        raise errors.dry_run()
    return record, message, kind == DIGEST


def wrong_digest(algorithm: str) -> ClientError:
    return errors.validation(f"Digest is invalid length for algorithm {algorithm}.")
