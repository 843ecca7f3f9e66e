"""Encrypt."""

from statordb.kms_api import blobs, errors
from statordb.kms_api.context import Answer, Context, Request
from statordb.store.kms.records import SYMMETRIC


async def encrypt(context: Context, request: Request) -> Answer:
    plaintext, given = blobs.plaintext(request), blobs.context_of(request)
    record = await context.usable("Encrypt", request["KeyId"], given)
    blobs.check_algorithm(record, request.get("EncryptionAlgorithm"))
    if request.get("DryRun"):
        raise errors.dry_run()
    blob = context.store.kms.keys.encrypt(record, plaintext, given)
    return {"CiphertextBlob": blobs.text(blob), "KeyId": record.arn, "EncryptionAlgorithm": SYMMETRIC}
