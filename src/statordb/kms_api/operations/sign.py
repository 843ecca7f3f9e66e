"""Sign."""

import asyncio

from statordb.kms_api import blobs, signatures
from statordb.kms_api.context import Answer, Context, Request
from statordb.store.kms import signing
from statordb.store.kms.signing import WrongDigest


async def sign(context: Context, request: Request) -> Answer:
    record, message, is_digest = await signatures.key_and_message(context, "Sign", request)
    algorithm, private = request["SigningAlgorithm"], context.store.kms.keys.private(record)
    try:
        made = await asyncio.to_thread(signing.sign, private, algorithm, message, is_digest)
    except WrongDigest:
        raise signatures.wrong_digest(algorithm) from None
    return {"KeyId": record.arn, "Signature": blobs.text(made), "SigningAlgorithm": algorithm}
