"""GetAccountAuthorizationDetails, GetAccountSummary, ListAccountAliases."""

from typing import Any

from statordb.iam_api import description, paging
from statordb.iam_api.context import Answer, Context, Request
from statordb.iam_api.managed import uses_of
from statordb.model import identity_limits as limits
from statordb.store.identities import aws_policies
from statordb.store.identities.identities import GROUP, POLICY, ROLE, SUMMARY, USER
from statordb.store.identities.records import PolicyRecord, SummaryRecord

_FILTERS = ("User", "Group", "Role", "LocalManagedPolicy", "AWSManagedPolicy")
_LISTS = {USER: "UserDetailList", GROUP: "GroupDetailList", ROLE: "RoleDetailList", POLICY: "Policies"}


async def get_account_authorization_details(context: Context, request: Request) -> Answer:
    await context.demand("*")
    wanted = request.get("Filter") or _FILTERS
    identities, account = context.store.identities, context.account
    found: list[tuple[str, Any]] = []
    for name, sort in (("User", USER), ("Group", GROUP), ("Role", ROLE), ("LocalManagedPolicy", POLICY)):
        if name in wanted:
            found += [(sort, record) async for record in identities.every(account, sort)]
    if "AWSManagedPolicy" in wanted:
        own = aws_policies.every().values()
        uses = await uses_of(context, list(own))
        found += [(POLICY, policy) for policy in own if uses[policy.arn].attached]
    page, more = paging.cut(found, request, lambda each: _characters(*each))
    answer: dict[str, list[Any]] = {name: [] for name in _LISTS.values()}
    for sort, record in page:
        answer[_LISTS[sort]].append(await _details(context, sort, record))
    return {**answer, **more}


def _characters(sort: str, record: Any) -> int:
    """Of all documents of an identity or a policy."""
    if sort == POLICY:
        return sum(len(version.document) for version in record.versions)
    return sum(map(len, record.inline.values())) + (len(record.trust) if sort == ROLE else 0)


async def _details(context: Context, sort: str, record: Any) -> Answer:
    if sort == POLICY:
        return await _policy_details(context, record)
    held = {"AttachedManagedPolicies": description.attached(record.attached)}
    if sort == ROLE:
        used = await context.store.key_uses.last(record.id)
        shown = {**description.role(record, used=used), **held, "RolePolicyList": description.inline(record.inline)}
        return {**shown, "InstanceProfileList": []}
    if sort == GROUP:
        return {**description.group(record), **held, "GroupPolicyList": description.inline(record.inline)}
    groups = await context.store.identities.by_ids(context.account, record.groups)
    return {
        **description.user(record),
        **held,
        "UserPolicyList": description.inline(record.inline),
        "GroupList": [group.name for group in groups],
    }


async def _policy_details(context: Context, policy: PolicyRecord) -> Answer:
    uses = await uses_of(context, [policy])
    versions = [description.version(policy, version) for version in policy.versions[::-1]]
    return {**description.policy(policy, uses[policy.arn]), "PolicyVersionList": versions}


async def get_account_summary(context: Context, request: Request) -> Answer:
    await context.demand("*")
    summary = await context.store.identities.one(context.account, SUMMARY) or SummaryRecord()
    return {
        "SummaryMap": {
            "Users": summary.users,
            "UsersQuota": limits.USERS_MAX,
            "Groups": summary.groups,
            "GroupsQuota": limits.GROUPS_MAX,
            "Roles": summary.roles,
            "RolesQuota": limits.ROLES_MAX,
            "Policies": summary.policies,
            "PoliciesQuota": limits.POLICIES_MAX,
            "AccessKeysPerUserQuota": limits.ACCESS_KEYS_MAX,
            "GroupsPerUserQuota": limits.USER_GROUPS_MAX,
            "AttachedPoliciesPerUserQuota": limits.ATTACHED_POLICIES_MAX,
            "AttachedPoliciesPerGroupQuota": limits.ATTACHED_POLICIES_MAX,
            "AttachedPoliciesPerRoleQuota": limits.ATTACHED_POLICIES_MAX,
            "UserPolicySizeQuota": limits.USER_INLINE_CHARACTERS_MAX,
            "GroupPolicySizeQuota": limits.GROUP_INLINE_CHARACTERS_MAX,
            "RolePolicySizeQuota": limits.ROLE_INLINE_CHARACTERS_MAX,
            "AssumeRolePolicySizeQuota": limits.TRUST_CHARACTERS_MAX,
            "PolicySizeQuota": limits.POLICY_CHARACTERS_MAX,
            "VersionsPerPolicyQuota": limits.POLICY_VERSIONS_MAX,
        }
    }


async def list_account_aliases(context: Context, request: Request) -> Answer:
    """There are none: an alias is a name for a page to sign in at."""
    await context.demand("*")
    return {"AccountAliases": [], "IsTruncated": False}
