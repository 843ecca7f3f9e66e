"""ReEncrypt: from one key to another, or to another encryption context; the plaintext never leaves."""

from statordb.kms_api import blobs, ciphers, errors
from statordb.kms_api.context import Answer, Context, Request
from statordb.store.kms.records import SYMMETRIC


async def re_encrypt(context: Context, request: Request) -> Answer:
    before = blobs.context_of(request, "SourceEncryptionContext")
    after = blobs.context_of(request, "DestinationEncryptionContext")
    known, wanted = request.get("SourceEncryptionAlgorithm"), request.get("DestinationEncryptionAlgorithm")
    source = await ciphers.source(context, request, "ReEncryptFrom", request.get("SourceKeyId"), known, before)
    target, algorithm = await ciphers.target(context, "ReEncryptTo", request["DestinationKeyId"], wanted, after)
    plaintext = await ciphers.opened(context, source, before)
    ciphers.check_size(target, algorithm, plaintext)
    if request.get("DryRun"):
        raise errors.dry_run()
    return {
        "CiphertextBlob": blobs.text(await ciphers.sealed(context, target, algorithm, plaintext, after)),
        "SourceKeyId": source.record.arn,
        "KeyId": target.arn,
        "SourceEncryptionAlgorithm": source.algorithm,
        "DestinationEncryptionAlgorithm": algorithm,
        "SourceKeyMaterialId": source.material_id,
        "DestinationKeyMaterialId": target.material_id if algorithm == SYMMETRIC else None,
    }
