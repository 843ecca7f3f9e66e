"""GenerateDataKeyWithoutPlaintext."""

from statordb.kms_api import blobs
from statordb.kms_api.context import Answer, Context, Request
from statordb.kms_api.data_keys import generate


async def generate_data_key_without_plaintext(context: Context, request: Request) -> Answer:
    record, _, blob = await generate(context, "GenerateDataKeyWithoutPlaintext", request)
    return {"CiphertextBlob": blobs.text(blob), "KeyId": record.arn, "KeyMaterialId": record.material_id}
