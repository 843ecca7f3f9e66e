"""Data key pairs: made for whoever asks, the private key sealed by a key of KMS, and not kept."""

import asyncio

from statordb.kms_api import blobs, errors
from statordb.kms_api.context import Answer, Context, Request
from statordb.store.kms import signing
from statordb.store.kms.records import SIGNATURES


async def generate(context: Context, action: str, request: Request, shows: bool) -> Answer:
    """`shows`: the private key is told too. Raises as `Context.usable` does, and UnsupportedOperationException,
    Overloaded."""
    spec, given = request["KeyPairSpec"], blobs.context_of(request)
    record = await context.usable(action, request["KeyId"], given, {"kms:datakeypairspec": (spec,)})
    blobs.check_algorithm(record)
    if spec not in SIGNATURES:
        raise errors.unsupported(f"Data key pairs of the spec {spec} are not supported by this server.")
    if request.get("DryRun"):
        raise errors.dry_run()
    keys = context.store.kms.keys
    private = await keys.pairs.make(spec)
    answer = {
        "PrivateKeyCiphertextBlob": blobs.text(keys.encrypt(record, private, given)),
        "PublicKey": blobs.text(await asyncio.to_thread(signing.public, private)),
        "KeyId": record.arn,
        "KeyPairSpec": spec,
        "KeyMaterialId": record.material_id,
    }
    return {**answer, "PrivateKeyPlaintext": blobs.text(private)} if shows else answer
