"""DeleteScalingPolicy: with its alarms."""

from dataclasses import replace

from statordb.scaling_api import errors
from statordb.scaling_api.changes import change
from statordb.scaling_api.context import Answer, Context, Request
from statordb.store.scaling.records import TargetRecord


async def delete_scaling_policy(context: Context, request: Request) -> Answer:
    scope, name = context.name(), request["PolicyName"]
    await context.target("DeleteScalingPolicy", scope)

    def without(current: TargetRecord | None) -> TargetRecord:
        if current is None or current.policy(name) is None:
            raise errors.policy_not_found(scope.resource, scope.dimension, name)
        return replace(current, policies=[each for each in current.policies if each.name != name])

    await change(context, scope, without)
    return {}
