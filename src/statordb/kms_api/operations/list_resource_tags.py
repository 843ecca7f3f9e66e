"""ListResourceTags."""

from statordb.kms_api import pages
from statordb.kms_api.context import Answer, Context, Request


async def list_resource_tags(context: Context, request: Request) -> Answer:
    record = await context.own_key("ListResourceTags", request["KeyId"])
    shown = {key: {"TagKey": key, "TagValue": value} for key, value in record.tags.items()}
    return pages.of_sorted("Tags", sorted(shown), shown, request, pages.LIMIT_OF_FEW)
