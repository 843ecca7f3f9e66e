"""UntagResource."""

from dataclasses import replace

from statordb.scaling_api.changes import alter
from statordb.scaling_api.context import Answer, Context, Request
from statordb.store.scaling.records import TargetRecord


async def untag_resource(context: Context, request: Request) -> Answer:
    target, gone = await context.tagged("UntagResource"), frozenset(request["TagKeys"])

    def untag(current: TargetRecord) -> TargetRecord:
        return replace(current, tags={key: value for key, value in current.tags.items() if key not in gone})

    await alter(context, target.name, untag)
    return {}
