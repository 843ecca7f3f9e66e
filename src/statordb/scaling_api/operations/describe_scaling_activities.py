"""DescribeScalingActivities: the latest first."""

from collections.abc import AsyncIterator
from typing import Any

from statordb.scaling_api import errors, listing, pages
from statordb.scaling_api.context import Answer, Context, Request
from statordb.store.scaling.records import IN_PROGRESS, SERVICE, ActivityRecord


async def describe_scaling_activities(context: Context, request: Request) -> Answer:
    await context.admit_list("DescribeScalingActivities")
    listing.check_scope(context)
    after, limit = pages.begin(request)
    now = context.now()
    return await pages.page(
        "ScalingActivities", _activities(context, _place(after)), limit, lambda activity: _shown(activity, now)
    )


def _place(after: str | None) -> bytes | None:
    try:
        return None if after is None else bytes.fromhex(after)
    except ValueError:
        raise errors.invalid_token() from None


async def _activities(context: Context, after: bytes | None) -> AsyncIterator[tuple[str, ActivityRecord | None]]:
    asked, principal = context.asked, context.principal
    if asked["ServiceNamespace"] != SERVICE:
        return
    resource, dimension = asked.get("ResourceId"), asked.get("ScalableDimension")
    told = context.store.scaling.activities.latest(principal.account, principal.region, after)
    async for place, activity in told:
        wanted = resource in (None, activity.resource) and dimension in (None, activity.dimension)
        wanted = wanted and (activity.held is None or bool(asked.get("IncludeNotScaledActivities")))
        yield place.hex(), activity if wanted else None


def _shown(activity: ActivityRecord, now: float) -> dict[str, Any]:
    status = activity.status_at(now)
    return {
        "ActivityId": activity.id,
        "ServiceNamespace": SERVICE,
        "ResourceId": activity.resource,
        "ScalableDimension": activity.dimension,
        "Description": activity.description,
        "Cause": activity.cause,
        "StartTime": round(activity.started_at, 3),
        "EndTime": None if status == IN_PROGRESS else round(activity.ends_at, 3),
        "StatusCode": status,
        "StatusMessage": activity.message_at(now) or None,
        "NotScaledReasons": None if activity.held is None else [activity.held],
    }
