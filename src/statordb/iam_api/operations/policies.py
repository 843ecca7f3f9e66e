"""CreatePolicy, GetPolicy, ListPolicies, DeletePolicy."""

from dataclasses import replace
from typing import Any

from statordb.iam_api import description, documents, errors, facts, paging, tagging
from statordb.iam_api.context import Answer, Context, Request
from statordb.iam_api.managed import must_fit, own_policy, policy_of, uses_of
from statordb.model.identity_limits import POLICIES_MAX
from statordb.store.identities import aws_policies
from statordb.store.identities.identities import POLICY, SUMMARY, named, use
from statordb.store.identities.ids import POLICY_ID, new_id
from statordb.store.identities.records import PolicyRecord, SummaryRecord, UseRecord, VersionRecord


async def create_policy(context: Context, request: Request) -> Answer:
    name, document, now = request["PolicyName"], request["PolicyDocument"], context.now()
    made = PolicyRecord(
        context.account,
        name,
        new_id(POLICY_ID, context.random),
        request.get("Path", "/"),
        now,
        now,
        request.get("Description", ""),
        [VersionRecord("v1", document, now)],
        "v1",
        tags=tagging.with_tags({}, tagging.given(request.get("Tags", ()))),
    )
    await context.demand(made.arn, facts.of_tags(made.tags))
    await tagging.demand_of(context, "Policy", made.arn, made.tags)
    must_fit(document)  # before it is compiled, which takes longer the larger it is
    documents.check(document)

    def change(found: list[Any]) -> list[Any]:
        policy, summary = found
        if policy is not None:
            raise errors.already_exists(f"A policy called {name} already exists. Duplicate names are not allowed.")
        summary = summary or SummaryRecord()
        if summary.policies >= POLICIES_MAX:
            raise errors.quota("PoliciesPerAccount", POLICIES_MAX)
        return [made, replace(summary, policies=summary.policies + 1)]

    await context.change((named(POLICY, name), SUMMARY), change)
    return {"Policy": description.policy(made, None)}


async def get_policy(context: Context, request: Request) -> Answer:
    policy = await policy_of(context, request["PolicyArn"])
    used: UseRecord | None = await context.store.identities.one(context.account, use(policy.arn))
    return {"Policy": description.policy(policy, used)}


async def list_policies(context: Context, request: Request) -> Answer:
    """AWS's own come behind the account's."""
    await context.demand(f"arn:aws:iam::{context.account}:policy{request.get('PathPrefix', '/')}")
    scope = request.get("Scope", "All")
    found: list[PolicyRecord] = []
    if scope != "AWS":
        found += [policy async for policy in context.store.identities.every(context.account, POLICY)]
    if scope != "Local":
        found += aws_policies.every().values()
    found = paging.below(found, request)
    uses = await uses_of(context, found)
    boundary = request.get("PolicyUsageFilter") == "PermissionsBoundary"
    if request.get("OnlyAttached") or "PolicyUsageFilter" in request:
        found = [policy for policy in found if (uses[policy.arn].boundaries if boundary else uses[policy.arn].attached)]
    page, more = paging.cut(found, request)
    return {"Policies": [description.policy(each, uses[each.arn], whole=False) for each in page], **more}


async def delete_policy(context: Context, request: Request) -> Answer:
    policy = await own_policy(context, request["PolicyArn"])

    def change(found: list[Any]) -> list[Any]:
        known, used, summary = found
        if known is None or known.id != policy.id:
            raise errors.no_such_entity(f"Policy {policy.arn} was not found.")
        if used is not None and (used.attached or used.boundaries):
            raise errors.delete_conflict("Cannot delete a policy attached to entities.")
        if len(known.versions) > 1:
            raise errors.delete_conflict(
                "This policy has more than one version. Before you delete a policy, you must delete the policy's "
                "versions. The default version is deleted with the policy."
            )
        return [None, None, replace(summary, policies=summary.policies - 1)]

    await context.change((named(POLICY, policy.name), use(policy.arn), SUMMARY), change)
    return {}
