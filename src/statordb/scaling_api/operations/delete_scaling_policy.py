"""DeleteScalingPolicy: with its alarms."""

from statordb.commands import scaling_alarms
from statordb.scaling_api import errors
from statordb.scaling_api.changes import change
from statordb.scaling_api.context import Answer, Context, Request
from statordb.store.scaling.records import TargetRecord


async def delete_scaling_policy(context: Context, request: Request) -> Answer:
    scope, name = context.name(), request["PolicyName"]
    known = await context.target("DeleteScalingPolicy", scope)

    def without(current: TargetRecord | None) -> TargetRecord:
        if current is None or current.policy(name) is None:
            raise errors.policy_not_found(scope.resource, scope.dimension, name)
        return current.without_policy(name)

    await change(context, scope, without)
    policy = None if known is None else known.policy(name)
    if known is not None and policy is not None:
        await scaling_alarms.delete(context.store, known, [policy])
    return {}
