"""GenerateDataKeyPairWithoutPlaintext."""

from statordb.kms_api.context import Answer, Context, Request
from statordb.kms_api.data_key_pairs import generate


async def generate_data_key_pair_without_plaintext(context: Context, request: Request) -> Answer:
    return await generate(context, "GenerateDataKeyPairWithoutPlaintext", request, shows=False)
