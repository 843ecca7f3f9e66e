"""ListTags."""

from statordb.functions.context import Answer, Context, Request
from statordb.functions.tags import tagged


async def list_tags(context: Context, request: Request) -> Answer:
    return {"Tags": (await tagged(context, request["Resource"])).tags}
