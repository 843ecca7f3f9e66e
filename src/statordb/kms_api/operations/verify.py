"""Verify."""

import asyncio
from base64 import b64decode

from statordb.kms_api import errors, signatures
from statordb.kms_api.context import Answer, Context, Request
from statordb.store.kms import signing
from statordb.store.kms.signing import WrongDigest


async def verify(context: Context, request: Request) -> Answer:
    record, message, is_digest = await signatures.key_and_message(context, "Verify", request)
    algorithm, private = request["SigningAlgorithm"], context.store.kms.keys.private(record)
    signature = b64decode(request["Signature"])
    try:
        is_good = await asyncio.to_thread(signing.verify, private, algorithm, message, signature, is_digest)
    except WrongDigest:
        raise signatures.wrong_digest(algorithm) from None
    if not is_good:
        raise errors.of("KMSInvalidSignatureException")
    return {"KeyId": record.arn, "SignatureValid": True, "SigningAlgorithm": algorithm}
