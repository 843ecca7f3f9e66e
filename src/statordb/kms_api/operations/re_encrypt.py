"""ReEncrypt: from one key to another, or to another encryption context; the plaintext never leaves."""

from statordb.kms_api import blobs, errors
from statordb.kms_api.context import Answer, Context, Request
from statordb.store.kms.records import SYMMETRIC


async def re_encrypt(context: Context, request: Request) -> Answer:
    before = blobs.context_of(request, "SourceEncryptionContext")
    after = blobs.context_of(request, "DestinationEncryptionContext")
    source, blob = await blobs.source(context, request, "ReEncryptFrom", request.get("SourceKeyId"), before)
    target = await context.usable("ReEncryptTo", request["DestinationKeyId"], after)
    blobs.check_algorithm(source, request.get("SourceEncryptionAlgorithm"))
    blobs.check_algorithm(target, request.get("DestinationEncryptionAlgorithm"))
    plaintext = blobs.opened(context, source, blob, before)
    if request.get("DryRun"):
        raise errors.dry_run()
    return {
        "CiphertextBlob": blobs.text(context.store.kms.keys.encrypt(target, plaintext, after)),
        "SourceKeyId": source.arn,
        "KeyId": target.arn,
        "SourceEncryptionAlgorithm": SYMMETRIC,
        "DestinationEncryptionAlgorithm": SYMMETRIC,
        "SourceKeyMaterialId": source.materials[blob.place].id,
        "DestinationKeyMaterialId": target.materials[-1].id,
    }
