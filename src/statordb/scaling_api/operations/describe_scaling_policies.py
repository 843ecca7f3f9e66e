"""DescribeScalingPolicies."""

from statordb.model.scaling_limits import POLICIES_PAGE_MAX
from statordb.scaling_api import listing, pages, policies
from statordb.scaling_api.context import Answer, Context, Request


async def describe_scaling_policies(context: Context, request: Request) -> Answer:
    await context.admit_list("DescribeScalingPolicies")
    listing.check_scope(context)
    after, limit = pages.begin(request, POLICIES_PAGE_MAX)
    found = listing.parts(context, after, request.get("PolicyNames") or None, lambda target: target.policies)
    return await pages.page("ScalingPolicies", found, limit, lambda each: policies.show(*each))
