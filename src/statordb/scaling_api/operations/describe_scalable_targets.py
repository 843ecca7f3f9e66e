"""DescribeScalableTargets."""

from typing import Any

from statordb.scaling_api import listing, pages
from statordb.scaling_api.context import Answer, Context, Request
from statordb.store.scaling.records import SERVICE, SUSPENSIONS, TargetRecord


async def describe_scalable_targets(context: Context, request: Request) -> Answer:
    await context.admit_list("DescribeScalableTargets")
    listing.check_scope(context)
    after, limit = pages.begin(request)
    found = listing.behind(listing.targets(context, after, request.get("ResourceIds") or None), after)
    return await pages.page("ScalableTargets", found, limit, _shown)


def _shown(target: TargetRecord) -> dict[str, Any]:
    return {
        "ServiceNamespace": SERVICE,
        "ResourceId": target.resource,
        "ScalableDimension": target.dimension,
        "MinCapacity": target.minimum,
        "MaxCapacity": target.maximum,
        "RoleARN": target.role_arn,
        "CreationTime": round(target.created_at, 3),
        "SuspendedState": {each: target.is_suspended(each) for each in SUSPENSIONS},
        "ScalableTargetARN": target.arn,
    }
