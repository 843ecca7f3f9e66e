"""Who may be given the records of a stream: when somebody asks for that, and as long as they are given."""

from typing import Any

from statordb.access.authority import ROOT, Authority, root_of
from statordb.access.formats import MalformedPolicy
from statordb.commands.demands import StreamDemand
from statordb.commands.gate import Gate, admit_call, call_budget
from statordb.model.errors import ClientError
from statordb.model.request import NOWHERE, Origin, Principal
from statordb.store.identities import standing
from statordb.store.identities.authorities import authority_of, compile_of
from statordb.store.identities.functions import trusts_functions
from statordb.store.identities.identities import ROLE, USER, Identities, named

# Of those that AWS asks for, the ones that are asked of a stream here.
_ACTIONS = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")


async def may_read(gate: Gate, principal: Principal, stream_arn: str, origin: Origin = NOWHERE) -> bool:
    """Whether a principal may read a stream."""
    budget = call_budget()
    try:
        for action in _ACTIONS:
            await admit_call(gate, principal, origin, StreamDemand(action, stream_arn), budget=budget)
    except ClientError:
        return False
    return True


def lasting_arn(principal: Principal) -> str:
    """The ARN of the root, user or role that a principal is, or has a session of; "" for one that has no such."""
    authority = principal.authority
    if not isinstance(authority, Authority):
        return principal.arn
    if authority.kind == ROLE:
        told = authority.facts.get("aws:PrincipalArn", "")
        return told if isinstance(told, str) else ""
    return authority.arn if authority.kind in (ROOT, USER) else ""


async def role_of_function(identities: Identities, account: str, region: str, arn: str) -> Principal | None:
    """The role of a function, as things are now. None if there is none that trusts functions, or one whose policies
    can't be read."""
    sort, _, name = arn.partition(f":iam::{account}:")[2].partition("/")
    found = await identities.one(account, named(ROLE, name.rpartition("/")[2])) if sort == ROLE else None
    if found is None or found.arn != arn or not trusts_functions(found):
        return None
    return await _principal(identities, account, region, found)


async def principal_of(identities: Identities, account: str, region: str, arn: str) -> Principal | None:
    """Whoever has an ARN, as things are now: the account's root, one of its users, or of its roles. None if there is no
    such, or one whose policies can't be read."""
    root = root_of(account)
    if arn == root.arn:
        return Principal(account, "", region, arn, root)
    sort, _, name = arn.partition(f":iam::{account}:")[2].partition("/")
    if sort not in (ROLE, USER):
        return None
    found = await identities.one(account, named(sort, name.rpartition("/")[2]))
    if found is None or found.arn != arn:
        return None
    return await _principal(identities, account, region, found)


async def _principal(identities: Identities, account: str, region: str, found: Any) -> Principal | None:
    stands = await standing.of_identity(identities, found)
    try:
        await compile_of(stands)
        return Principal(account, "", region, found.arn, authority_of(stands))
    except MalformedPolicy:
        return None
