"""TagResource."""

from statordb.functions.context import Answer, Context, Request
from statordb.functions.tags import retag, tagged


async def tag_resource(context: Context, request: Request) -> Answer:
    record = await tagged(context, request["Resource"])
    await retag(context, record, lambda tags: {**tags, **request["Tags"]})
    return {}
