"""Decrypt."""

from statordb.kms_api import blobs, ciphers, errors
from statordb.kms_api.context import Answer, Context, Request


async def decrypt(context: Context, request: Request) -> Answer:
    blobs.check_recipient(request)
    given, asked = blobs.context_of(request), request.get("EncryptionAlgorithm")
    source = await ciphers.source(context, request, "Decrypt", request.get("KeyId"), asked, given)
    plaintext = await ciphers.opened(context, source, given)
    if request.get("DryRun"):
        raise errors.dry_run()
    return {
        "KeyId": source.record.arn,
        "Plaintext": blobs.text(plaintext),
        "EncryptionAlgorithm": source.algorithm,
        "KeyMaterialId": source.material_id,
    }
