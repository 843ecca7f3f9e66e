"""GenerateMac."""

from statordb.kms_api import blobs, macs
from statordb.kms_api.context import Answer, Context, Request


async def generate_mac(context: Context, request: Request) -> Answer:
    record, message = await macs.key_and_message(context, "GenerateMac", request)
    made = context.store.kms.keys.mac(record, message)
    return {"Mac": blobs.text(made), "MacAlgorithm": request["MacAlgorithm"], "KeyId": record.arn}
