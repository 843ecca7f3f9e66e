"""GenerateDataKeyPair."""

from statordb.kms_api import blobs
from statordb.kms_api.context import Answer, Context, Request
from statordb.kms_api.data_key_pairs import generate


async def generate_data_key_pair(context: Context, request: Request) -> Answer:
    blobs.check_recipient(request)
    return await generate(context, "GenerateDataKeyPair", request, shows=True)
