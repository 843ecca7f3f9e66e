"""AttachUserPolicy, DetachUserPolicy, ListAttachedUserPolicies, and the same of groups and roles;
ListEntitiesForPolicy."""

from dataclasses import replace
from functools import partial
from typing import Any

from statordb.iam_api import description, errors, facts, paging
from statordb.iam_api.context import Answer, Context, Operation, Request
from statordb.iam_api.holders import GROUPS, HOLDERS, ROLES, USERS, Holder, find, present
from statordb.iam_api.managed import policy_of, spelled
from statordb.model.identity_limits import ATTACHED_POLICIES_MAX
from statordb.store.identities import aws_policies
from statordb.store.identities.identities import POLICY, named, use
from statordb.store.identities.records import UseRecord


async def attach(holder: Holder, context: Context, request: Request) -> Answer:
    name, arn = request[holder.member], await spelled(context, request["PolicyArn"])
    await find(context, holder, name, facts.of_policy(arn))
    policy = await context.store.identities.policy(context.account, arn)
    if policy is None:
        raise errors.no_such_policy(arn)
    arn = policy.arn
    own = () if policy.account == aws_policies.ACCOUNT else (named(POLICY, policy.name),)

    def change(found: list[Any]) -> list[Any]:
        record, used, *policies = found
        if any(each is None or each.id != policy.id for each in policies):
            raise errors.no_such_policy(arn)
        if arn in present(record, holder, name).attached:
            return found
        if len(record.attached) >= ATTACHED_POLICIES_MAX:
            raise errors.quota(f"PoliciesPer{holder.title}", ATTACHED_POLICIES_MAX)
        used = used or UseRecord()
        return [
            replace(record, attached=[*record.attached, arn]),
            replace(used, attached=used.attached + 1),
            *policies,
        ]

    await context.change((holder.row(name), use(arn), *own), change)
    return {}


async def detach(holder: Holder, context: Context, request: Request) -> Answer:
    name, arn = request[holder.member], await spelled(context, request["PolicyArn"])
    await find(context, holder, name, facts.of_policy(arn))

    def change(found: list[Any]) -> list[Any]:
        record, used = found
        attached = [each for each in present(record, holder, name).attached if each.lower() != arn.lower()]
        if len(attached) == len(record.attached):
            raise errors.no_such_entity(f"Policy {arn} was not found.")
        return [replace(record, attached=attached), replace(used, attached=used.attached - 1)]

    await context.change((holder.row(name), use(arn)), change)
    return {}


async def listed(holder: Holder, context: Context, request: Request) -> Answer:
    record = await find(context, holder, request[holder.member])
    below = request.get("PathPrefix", "/")
    arns = [arn for arn in record.attached if f"/{arn.partition(':policy/')[2]}".startswith(below)]
    page, more = paging.cut(arns, request)
    return {"AttachedPolicies": description.attached(page), **more}


async def list_entities_for_policy(context: Context, request: Request) -> Answer:
    policy = await policy_of(context, request["PolicyArn"])
    identities = context.store.identities
    is_boundary = request.get("PolicyUsageFilter") == "PermissionsBoundary"
    found: list[tuple[Holder, Any]] = []
    for holder in (USERS, GROUPS, ROLES):
        if request.get("EntityFilter", holder.title) != holder.title:
            continue
        async for record in identities.every(context.account, holder.sort):
            has = record.boundary == policy.arn if is_boundary else policy.arn in record.attached
            if has and record.path.startswith(request.get("PathPrefix", "/")):
                found.append((holder, record))
    page, more = paging.cut(found, request)
    return {
        f"Policy{holder.title}s": [
            {f"{holder.title}Name": record.name, f"{holder.title}Id": record.id}
            for each, record in page
            if each is holder
        ]
        for holder in HOLDERS
    } | more


OPERATIONS: dict[str, Operation] = {
    name.format(holder.title): partial(operation, holder)
    for holder in HOLDERS
    for name, operation in (
        ("Attach{}Policy", attach),
        ("Detach{}Policy", detach),
        ("ListAttached{}Policies", listed),
    )
}
