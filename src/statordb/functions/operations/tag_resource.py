"""TagResource."""

from statordb.functions.context import Answer, Context, Request
from statordb.functions.tags import retag


async def tag_resource(context: Context, request: Request) -> Answer:
    await retag(context, request["Resource"], lambda tags: {**tags, **request["Tags"]})
    return {}
