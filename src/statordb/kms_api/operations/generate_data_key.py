"""GenerateDataKey."""

from statordb.kms_api import blobs
from statordb.kms_api.context import Answer, Context, Request
from statordb.kms_api.data_keys import generate


async def generate_data_key(context: Context, request: Request) -> Answer:
    blobs.check_recipient(request)
    record, data_key, blob = await generate(context, "GenerateDataKey", request)
    return {
        "CiphertextBlob": blobs.text(blob),
        "Plaintext": blobs.text(data_key),
        "KeyId": record.arn,
        "KeyMaterialId": record.material_id,
    }
