"""Who may do what with keys of KMS.

A key's own policy comes first: it names identities, or the account, which then decides by the policies of its
identities. Grants stand beside it. Source: developer guide of AWS KMS, "Key access and permissions", "Condition keys
for AWS KMS". Of those the ones about a key, the encryption context and the service that asks are known here.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from statordb.access import authority as authorities
from statordb.access.authority import ROOT, Authority
from statordb.access.decision import ALLOWED, Verdict, Wanted, deciding, is_too_much, principal_arn, refusal
from statordb.access.document import Kind, Policy, compile_policy
from statordb.access.facts import Values
from statordb.commands.request_facts import identity_facts
from statordb.model import errors
from statordb.model.request import Origin, Principal
from statordb.model.tasks import in_slices
from statordb.store.kms.grants import Grants
from statordb.store.kms.records import GrantRecord, KeyName, KeyRecord

BY_SERVICE = Origin(secure=True)  # where DynamoDB's own requests to KMS come from
_NO_FACTS: Mapping[str, Values] = {}
_CONTEXTS = ("EncryptionContextEquals", "EncryptionContextSubset")
_ALL = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}'
_SOURCE = "SourceArn"
_BY_ALGORITHM = frozenset(("kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo"))
_ELSEWHERE = ""  # no account's: what belongs there needs an Allow of its own policy, and of the identity's


class Asker(NamedTuple):
    """Who asks, from where, and when (in seconds since the epoch). `service`: that asks for them; None: they ask
    themselves."""

    principal: Principal
    origin: Origin
    now: float
    service: str | None = None

    @property
    def authority(self) -> Authority:
        return authorities.of(self.principal.authority, self.principal.account)


class Use(NamedTuple):
    """What is to be done with a key. `action`: kms:Encrypt and the like; `context`: the encryption context; `alias`:
    by which the key was named; `more`: condition keys of the request, in lower case; `grant`: the one that is to be
    made."""

    action: str
    context: Mapping[str, str] | None = None
    alias: str | None = None
    more: Mapping[str, Values] = _NO_FACTS
    grant: GrantRecord | None = None


async def admit(asker: Asker, action: str, resource: str = "*", more: Mapping[str, Values] = _NO_FACTS) -> None:
    """Return if somebody may do what concerns no key, or one that is not there; raises AccessDeniedException."""
    authority = asker.authority
    wanted = Wanted(action, resource, authority.account, None, asker.origin.policy)
    facts = {**_facts(asker, authority), "aws:resourceaccount": (authority.account,), **more}
    if is_too_much(authority, wanted, facts):
        raise errors.too_much_work()
    _judge(await _decided(authority, wanted, facts), authority, action, resource)


async def admit_key(grants: Grants, asker: Asker, use: Use, record: KeyRecord) -> None:
    """Return if somebody may do that with a key; raises AccessDeniedException."""
    authority = asker.authority
    facts = {**_facts(asker, authority), **_key_facts(use, record), **_grant_facts(asker, use), **use.more}
    policy = compile_policy(record.policy, Kind.RESOURCE)
    wanted = Wanted(use.action, record.arn, record.account, policy, asker.origin.policy)
    if is_too_much(authority, wanted, facts):
        raise errors.too_much_work()
    verdict = await _verdict(authority, use.action, record.name, policy, asker.origin.policy, facts)
    if verdict.allowed:
        return
    if not verdict.explicit:
        if await _is_granted(grants, authority, use, record):
            # Which is enough in other accounts, too. What bounds an identity, a session or an endpoint holds.
            granted = wanted._replace(owner=authority.account, resource_policy=None)
            verdict = await _decided(authority._replace(policies=(compile_policy(_ALL),)), granted, facts)
    _judge(verdict, authority, use.action, record.arn)


async def keeps_in(asker: Asker, policy: str, key: KeyName) -> bool:
    """Whether somebody could change a key's policy again once it is this one."""
    authority = asker.authority
    facts = _facts(asker, authority)
    compiled = compile_policy(policy, Kind.RESOURCE)
    wanted = Wanted("kms:PutKeyPolicy", key.arn, key.account, compiled, asker.origin.policy)
    if is_too_much(authority, wanted, facts):
        raise errors.too_much_work()
    return (await _verdict(authority, wanted.action, key, compiled, asker.origin.policy, facts)).allowed


async def _verdict(
    authority: Authority, action: str, key: KeyName, policy: Policy, endpoint: Any, facts: dict[str, tuple[str, ...]]
) -> Verdict:
    """Without grants. In the key's own account identities' policies count where the key's policy names the account."""
    wanted = Wanted(action, key.arn, key.account, policy, endpoint)
    own = key.account == authority.account
    verdict = await _decided(authority, wanted, facts)
    if not own or verdict.explicit:
        return verdict
    both = await _decided(authority, wanted._replace(owner=_ELSEWHERE), facts)
    if both.allowed or authority.kind == ROOT:
        return both
    # Those who are named need no Allow of their own.
    alone = await _decided(authority._replace(policies=()), wanted, facts)
    return ALLOWED if alone.allowed else both


async def _decided(authority: Authority, wanted: Wanted, facts: Mapping[str, Values]) -> Verdict:
    """Others run where it takes long."""
    return await in_slices(deciding(authority, wanted, facts))


async def _is_granted(grants: Grants, authority: Authority, use: Use, record: KeyRecord) -> bool:
    """Whether a grant lets somebody in."""
    operation = use.action.removeprefix("kms:")
    names = {authority.arn, principal_arn(authority)}
    if authority.kind == ROOT:
        names.add(authority.account)
    async for grant in grants.of(record.name):
        if grant.grantee in names and operation in grant.operations:
            if _hands_on(grant, use.grant) if use.grant is not None else _fits(grant.constraints, use.context or {}):
                return True
    return False


def _hands_on(grant: GrantRecord, asked: GrantRecord) -> bool:
    """Whether who has a grant may make another one: it allows no more, and under no fewer constraints."""
    if not set(asked.operations) <= set(grant.operations):
        return False
    source = grant.constraints.get(_SOURCE)
    if source is not None and asked.constraints.get(_SOURCE) != source:
        return False
    equal, subset = (grant.constraints.get(name) for name in _CONTEXTS)
    given_equal, given_subset = (asked.constraints.get(name) for name in _CONTEXTS)
    if equal is not None:
        return bool(given_equal == equal)
    return not subset or subset.items() <= (given_equal or given_subset or {}).items()


def _grant_facts(asker: Asker, use: Use) -> dict[str, Values]:
    if use.action != "kms:CreateGrant":
        return {}
    facts: dict[str, Values] = {"kms:grantisforawsresource": ("false" if asker.service is None else "true",)}
    grant = use.grant
    if grant is None:
        return facts
    facts["kms:grantoperations"] = tuple(grant.operations)
    facts["kms:granteeprincipal"] = (grant.grantee,)
    if grant.retiring:
        facts["kms:retiringprincipal"] = (grant.retiring,)
    types = tuple(name for name in _CONTEXTS if grant.constraints.get(name))
    return {**facts, "kms:grantconstrainttype": types} if types else facts


def _fits(constraints: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    """Whether an encryption context is as a grant wants it."""
    equal, subset = (constraints.get(name) for name in _CONTEXTS)
    if constraints.get(_SOURCE) is not None:  # no service asks for its resources here
        return False
    if equal is not None and dict(context) != equal:
        return False
    return all(context.get(name) == value for name, value in (subset or {}).items())


def _judge(verdict: Verdict, authority: Authority, action: str, resource: str) -> None:
    if not verdict.allowed:
        raise errors.access_denied(refusal(verdict, authority.arn, action, resource))


def _facts(asker: Asker, authority: Authority) -> dict[str, tuple[str, ...]]:
    """Values of condition keys, whose names are in lower case here."""
    facts = identity_facts(authority, asker.principal.region)
    moment = datetime.fromtimestamp(int(asker.now), UTC)
    origin = asker.origin
    single = {
        "aws:currenttime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:epochtime": str(int(asker.now)),
        "aws:securetransport": str(origin.secure).lower(),
        "aws:sourceip" if origin.endpoint is None else "aws:vpcsourceip": origin.address or None,
        "aws:sourcevpce": origin.endpoint,
        "aws:sourcevpc": origin.vpc,
        "aws:useragent": origin.agent or None,
        "aws:referer": origin.referer or None,
        "kms:calleraccount": authority.account,
        "kms:viaservice": asker.service,
        "aws:viaawsservice": "false" if asker.service is None else "true",
    }
    facts.update({key: (value,) for key, value in single.items() if value is not None})
    return facts


def _key_facts(use: Use, record: KeyRecord) -> dict[str, tuple[str, ...]]:
    facts: dict[str, tuple[str, ...]] = {
        "aws:resourceaccount": (record.account,),
        "kms:keyspec": (record.spec,),
        "kms:keyusage": (record.usage,),
        "kms:keyorigin": (record.origin,),
        "kms:multiregion": ("false",),
        "kms:resourcealiases": tuple(record.aliases),
    }
    if use.alias is not None:
        facts["kms:requestalias"] = (use.alias,)
    if use.context:
        facts["kms:encryptioncontextkeys"] = tuple(use.context)
        facts.update(named("kms:encryptioncontext:", use.context))
    if use.action in _BY_ALGORITHM:
        facts["kms:encryptionalgorithm"] = ("SYMMETRIC_DEFAULT",)
    return {**facts, **named("aws:resourcetag/", record.tags)}


def named(prefix: str, members: Mapping[str, str]) -> dict[str, Values]:
    """Condition keys that have names of the client's in them. Those that differ in case only are one key, which has
    the values of all: none of them hides another."""
    facts: dict[str, Values] = {}
    for name, value in members.items():
        key = prefix + name.lower()
        facts[key] = (*facts.get(key, ()), value)
    return facts


def of_tags(tags: Mapping[str, str]) -> dict[str, Values]:
    """Condition keys of tags that a request gives."""
    return {**named("aws:requesttag/", tags), "aws:tagkeys": tuple(tags)} if tags else {}
