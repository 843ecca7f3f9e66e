"""DeleteScheduledAction."""

from dataclasses import replace

from statordb.scaling_api import errors
from statordb.scaling_api.changes import change
from statordb.scaling_api.context import Answer, Context, Request
from statordb.store.scaling.records import TargetRecord


async def delete_scheduled_action(context: Context, request: Request) -> Answer:
    scope, name = context.name(), request["ScheduledActionName"]
    await context.target("DeleteScheduledAction", scope)

    def without(current: TargetRecord | None) -> TargetRecord:
        if current is None or current.action(name) is None:
            raise errors.action_not_found(scope.resource, scope.dimension, name)
        return replace(current, actions=[each for each in current.actions if each.name != name])

    await change(context, scope, without)
    return {}
