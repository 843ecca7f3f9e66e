"""GenerateRandom."""

from statordb.kms_api import blobs, errors
from statordb.kms_api.context import Answer, Context, Request


async def generate_random(context: Context, request: Request) -> Answer:
    blobs.check_recipient(request)
    if request.get("CustomKeyStoreId") is not None:
        raise errors.unsupported("CustomKeyStoreId is not supported by this server.")
    await context.admit("GenerateRandom")
    size = request.get("NumberOfBytes")
    if size is None:
        raise errors.validation("NumberOfBytes is required.")
    return {"Plaintext": blobs.text(context.store.kms.keys.random(size))}
