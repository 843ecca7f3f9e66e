"""DescribeScheduledActions."""

from typing import Any

from statordb.scaling_api import listing, pages
from statordb.scaling_api.context import Answer, Context, Request
from statordb.store.scaling.records import SERVICE, ActionRecord, TargetRecord


async def describe_scheduled_actions(context: Context, request: Request) -> Answer:
    await context.admit_list("DescribeScheduledActions")
    listing.check_scope(context)
    after, limit = pages.begin(request)
    found = listing.parts(context, after, request.get("ScheduledActionNames") or None, lambda target: target.actions)
    return await pages.page("ScheduledActions", found, limit, lambda each: _shown(*each))


def _shown(target: TargetRecord, action: ActionRecord) -> dict[str, Any]:
    bounds = {"MinCapacity": action.minimum, "MaxCapacity": action.maximum}
    return {
        "ScheduledActionName": action.name,
        "ScheduledActionARN": target.action_arn(action.name),
        "ServiceNamespace": SERVICE,
        "Schedule": action.schedule,
        "Timezone": action.timezone,
        "ResourceId": target.resource,
        "ScalableDimension": target.dimension,
        "StartTime": action.starts_at,
        "EndTime": action.ends_at,
        "ScalableTargetAction": {key: value for key, value in bounds.items() if value is not None},
        "CreationTime": round(action.created_at, 3),
    }
