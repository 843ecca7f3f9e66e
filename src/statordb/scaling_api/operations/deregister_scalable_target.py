"""DeregisterScalableTarget: with its policies, their alarms, and its scheduled actions. The capacity stays."""

from statordb.commands import scaling_alarms
from statordb.scaling_api import errors
from statordb.scaling_api.changes import change
from statordb.scaling_api.context import Answer, Context, Request
from statordb.store.scaling.records import TargetRecord


async def deregister_scalable_target(context: Context, request: Request) -> Answer:
    name = context.name()
    known = await context.target("DeregisterScalableTarget", name)

    def gone(current: TargetRecord | None) -> None:
        if current is None:
            raise errors.target_not_found(name.resource, name.dimension)

    await change(context, name, gone)
    if known is not None:
        await scaling_alarms.delete(context.store, known, known.policies)
    return {}
