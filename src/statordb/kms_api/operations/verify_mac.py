"""VerifyMac."""

from base64 import b64decode
from hmac import compare_digest

from statordb.kms_api import errors, macs
from statordb.kms_api.context import Answer, Context, Request


async def verify_mac(context: Context, request: Request) -> Answer:
    record, message = await macs.key_and_message(context, "VerifyMac", request)
    if not compare_digest(context.store.kms.keys.mac(record, message), b64decode(request["Mac"])):
        raise errors.of("KMSInvalidMacException")
    return {"KeyId": record.arn, "MacValid": True, "MacAlgorithm": request["MacAlgorithm"]}
