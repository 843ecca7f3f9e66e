"""GetPublicKey."""

import asyncio

from statordb.kms_api import blobs, errors
from statordb.kms_api.context import Answer, Context, Request, unusable
from statordb.store.kms import signing
from statordb.store.kms.records import SIGNATURES


async def get_public_key(context: Context, request: Request) -> Answer:
    record = await context.key("GetPublicKey", request["KeyId"])
    fault = unusable(record)
    if fault is not None:
        raise fault
    if record.spec not in SIGNATURES:
        raise errors.operation_unsupported()
    found = await asyncio.to_thread(signing.public, context.store.kms.keys.private(record))
    algorithms = (
        {"EncryptionAlgorithms": list(record.algorithms)}
        if record.algorithms
        else {"SigningAlgorithms": list(SIGNATURES[record.spec])}
    )
    return {
        "KeyId": record.arn,
        "PublicKey": blobs.text(found),
        "CustomerMasterKeySpec": record.spec,
        "KeySpec": record.spec,
        "KeyUsage": record.usage,
        **algorithms,
    }
