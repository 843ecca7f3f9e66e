"""Data keys: random bytes, and the same sealed by a key."""

from statordb.kms_api import blobs, errors
from statordb.kms_api.context import Context, Request
from statordb.store.kms.records import KeyRecord

_BYTES = {"AES_256": 32, "AES_128": 16}


async def generate(context: Context, action: str, request: Request) -> tuple[KeyRecord, bytes, bytes]:
    """The key that sealed it, the data key, its ciphertext blob."""
    size, spec = request.get("NumberOfBytes"), request.get("KeySpec")
    if (size is None) is (spec is None):
        raise errors.validation("Please specify either number of bytes or key spec.")
    given = blobs.context_of(request)
    record = await context.usable(action, request["KeyId"], given)
    blobs.check_algorithm(record)
    if request.get("DryRun"):
        raise errors.dry_run()
    keys = context.store.kms.keys
    data_key = keys.random(size or _BYTES[spec or ""])
    return record, data_key, keys.encrypt(record, data_key, given)
