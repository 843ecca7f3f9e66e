"""GetAccessKeyInfo."""

from statordb.iam_api import errors
from statordb.iam_api.context import Answer, Context, Request


async def get_access_key_info(context: Context, request: Request) -> Answer:
    await context.demand("*")
    key = await context.credentials.find(request["AccessKeyId"])
    if key is None:
        raise errors.validation(f"The access key {request['AccessKeyId']} is not known.")
    return {"Account": key.account}
