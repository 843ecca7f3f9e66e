"""TagResource."""

from statordb.lambda_api.context import Answer, Context, Request
from statordb.lambda_api.tags import retag


async def tag_resource(context: Context, request: Request) -> Answer:
    await retag(context, request["Resource"], lambda tags: {**tags, **request["Tags"]})
    return {}
