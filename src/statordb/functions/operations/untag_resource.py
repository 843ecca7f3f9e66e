"""UntagResource."""

from statordb.functions.context import Answer, Context, Request
from statordb.functions.tags import retag, tagged


async def untag_resource(context: Context, request: Request) -> Answer:
    record = await tagged(context, request["Resource"])
    gone = frozenset(request["TagKeys"])
    await retag(context, record, lambda tags: {key: value for key, value in tags.items() if key not in gone})
    return {}
