"""Encrypt."""

from statordb.kms_api import blobs, ciphers, errors
from statordb.kms_api.context import Answer, Context, Request


async def encrypt(context: Context, request: Request) -> Answer:
    plaintext, given = blobs.plaintext(request), blobs.context_of(request)
    asked = request.get("EncryptionAlgorithm")
    record, algorithm = await ciphers.target(context, "Encrypt", request["KeyId"], asked, given)
    ciphers.check_size(record, algorithm, plaintext)
    if request.get("DryRun"):
        raise errors.dry_run()
    sealed = await ciphers.sealed(context, record, algorithm, plaintext, given)
    return {"CiphertextBlob": blobs.text(sealed), "KeyId": record.arn, "EncryptionAlgorithm": algorithm}
