"""TagResource."""

from dataclasses import replace

from statordb.scaling_api import tags
from statordb.scaling_api.changes import alter
from statordb.scaling_api.context import Answer, Context, Request
from statordb.store.scaling.records import TargetRecord


async def tag_resource(context: Context, request: Request) -> Answer:
    target, given = await context.tagged("TagResource"), request["Tags"]
    tags.check(given)

    def tag(current: TargetRecord) -> TargetRecord:
        merged = {**current.tags, **given}
        tags.check_count(merged)
        return replace(current, tags=merged)

    await alter(context, target.name, tag)
    return {}
