"""Whom the trust policies of roles let assume them."""

import re

from statordb.access import decision
from statordb.access.authority import USER, Authority
from statordb.access.decision import Wanted
from statordb.access.document import Kind, Policy, compile_policy
from statordb.iam_api import errors
from statordb.iam_api.context import Context
from statordb.iam_api.facts import Facts, of_resource
from statordb.model.tasks import in_slices
from statordb.store.identities.identities import ROLE, named
from statordb.store.identities.records import RoleRecord

_ROLE = re.compile(r"arn:aws:iam::([0-9]{12}):role/(?:[\x21-\x7e]+/)?([\w+=,.@-]{1,64})", re.ASCII)
_ALL = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}'


async def role_of(context: Context, arn: str) -> RoleRecord | None:
    """The role of an ARN, in whatever account; None if there is none. Raises ValidationError for what is no such
    ARN."""
    found = _ROLE.fullmatch(arn)
    if found is None:
        raise errors.validation(f"{arn} is invalid")
    role: RoleRecord | None = await context.store.identities.one(found[1], named(ROLE, found[2]))
    return role if role is not None and role.arn == arn else None


async def must_allow(context: Context, role: RoleRecord | None, arn: str, action: str, more: Facts) -> None:
    """Raises AccessDenied, for a role that is not there too: nobody is told which there are."""
    who = context.authority
    refused = errors.access_denied(f"User: {who.arn} is not authorized to perform: {action} on resource: {arn}")
    if role is None:
        raise refused
    trust = compile_policy(role.trust, Kind.TRUST)
    facts = {**context.facts(), "aws:resourceaccount": (role.account,), **of_resource(role.tags), **more}
    wanted = Wanted(action, arn, role.account, trust, context.origin.policy)
    if decision.is_too_much(who, wanted, facts):
        raise errors.too_much_work()
    if not await trusts(who, trust, action, arn, facts):
        raise refused
    if not (await in_slices(decision.deciding(who, wanted, facts))).allowed:
        raise refused


async def trusts(
    who: Authority, trust: Policy, action: str, arn: str, facts: Facts, endpoint: Policy | None = None
) -> bool:
    """Whether a trust policy itself allows that, to somebody, or to their account, and an endpoint's too. Raises
    ValidationError where that is too much to decide."""
    free = who._replace(kind=who.kind or USER, policies=(compile_policy(_ALL),), boundary=None, session=None)
    another = f"not {who.account}"  # of another account, as which the policy must allow it by itself
    wanted = Wanted(action, arn, another, trust, endpoint)
    if decision.is_too_much(free, wanted, facts):
        raise errors.too_much_work()
    return (await in_slices(decision.deciding(free, wanted, facts))).allowed
