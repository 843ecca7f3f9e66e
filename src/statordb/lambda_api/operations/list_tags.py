"""ListTags."""

from statordb.lambda_api.context import Answer, Context, Request
from statordb.lambda_api.tags import tagged


async def list_tags(context: Context, request: Request) -> Answer:
    return {"Tags": (await tagged(context, request["Resource"])).tags}
