"""Decrypt."""

from statordb.kms_api import blobs, errors
from statordb.kms_api.context import Answer, Context, Request
from statordb.store.kms.records import SYMMETRIC


async def decrypt(context: Context, request: Request) -> Answer:
    blobs.check_recipient(request)
    given = blobs.context_of(request)
    record, blob = await blobs.source(context, request, "Decrypt", request.get("KeyId"), given)
    blobs.check_algorithm(record, request.get("EncryptionAlgorithm"))
    plaintext = blobs.opened(context, record, blob, given)
    if request.get("DryRun"):
        raise errors.dry_run()
    return {
        "KeyId": record.arn,
        "Plaintext": blobs.text(plaintext),
        "EncryptionAlgorithm": SYMMETRIC,
        "KeyMaterialId": record.materials[blob.place].id,
    }
