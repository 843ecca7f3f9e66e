"""TagResource."""

from dataclasses import replace

from statordb.commands.key_permission import of_tags
from statordb.kms_api import tags
from statordb.kms_api.context import Answer, Context, Request
from statordb.kms_api.keys import change
from statordb.store.kms.records import KeyRecord


async def tag_resource(context: Context, request: Request) -> Answer:
    given = tags.parse(request["Tags"])
    record = await context.own_key("TagResource", request["KeyId"], of_tags(given))

    def tag(current: KeyRecord) -> KeyRecord:
        merged = {**current.tags, **given}
        tags.check_count(merged)
        return replace(current, tags=merged)

    await change(context, record, tag)
    return None
