"""ListTagsForResource."""

from statordb.scaling_api.context import Answer, Context, Request


async def list_tags_for_resource(context: Context, request: Request) -> Answer:
    return {"Tags": (await context.tagged("ListTagsForResource")).tags}
