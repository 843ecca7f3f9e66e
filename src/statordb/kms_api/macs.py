"""Message authentication codes: the message, and the key that may make or check them."""

from base64 import b64decode

from statordb.kms_api import errors
from statordb.kms_api.context import Context, Request
from statordb.model.kms_limits import PLAINTEXT_BYTES_MAX
from statordb.store.kms.records import GENERATE_VERIFY_MAC, MACS, KeyRecord


async def key_and_message(context: Context, action: str, request: Request) -> tuple[KeyRecord, bytes]:
    """Raises as `Context.usable` does, and ValidationException, InvalidKeyUsageException, DryRunOperationException."""
    message, algorithm = b64decode(request["Message"]), request["MacAlgorithm"]
    if not message:
        raise errors.too_short("message")
    if len(message) > PLAINTEXT_BYTES_MAX:
        raise errors.too_long("message", len(message), PLAINTEXT_BYTES_MAX)
    known = {"kms:macalgorithm": (algorithm,)}
    record = await context.usable(action, request["KeyId"], None, known, GENERATE_VERIFY_MAC)
    if MACS[record.spec] != algorithm:
        raise errors.invalid_algorithm(record.arn, record.spec, algorithm)
    if request.get("DryRun"):
        raise errors.dry_run()
    return record, message
