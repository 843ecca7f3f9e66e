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
from statordb.access.decision import ALLOWED, Verdict, Wanted, decide, principal_arn, refusal
from statordb.access.document import Kind, Policy, compile_policy
from statordb.commands.request_facts import identity_facts
from statordb.model import errors
from statordb.model.request import Origin, Principal
from statordb.store.kms.grants import Grants
from statordb.store.kms.records import KeyName, KeyRecord

BY_SERVICE = Origin(secure=True)  # where DynamoDB's own requests to KMS come from
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
    by which the key was named."""

    action: str
    context: Mapping[str, str] | None = None
    alias: str | None = None


def admit(asker: Asker, action: str, resource: str = "*") -> None:
    """Return if somebody may do what concerns no key, or one that is not there; raises AccessDeniedException."""
    authority = asker.authority
    wanted = Wanted(action, resource, authority.account, None, asker.origin.policy)
    _judge(decide(authority, wanted, _facts(asker, authority)), authority, action, resource)


async def admit_key(grants: Grants, asker: Asker, use: Use, record: KeyRecord) -> None:
    """Return if somebody may do that with a key; raises AccessDeniedException."""
    authority = asker.authority
    facts = {**_facts(asker, authority), **_key_facts(use, record)}
    policy = compile_policy(record.policy, Kind.RESOURCE)
    verdict = _verdict(authority, use.action, record.name, policy, asker.origin.policy, facts)
    if verdict.allowed:
        return
    if not verdict.explicit and await _is_granted(grants, authority, use, record):
        return
    _judge(verdict, authority, use.action, record.arn)


def keeps_in(asker: Asker, policy: str, key: KeyName) -> bool:
    """Whether somebody could change a key's policy again once it is this one."""
    authority = asker.authority
    facts = _facts(asker, authority)
    compiled = compile_policy(policy, Kind.RESOURCE)
    return _verdict(authority, "kms:PutKeyPolicy", key, compiled, asker.origin.policy, facts).allowed


def _verdict(
    authority: Authority, action: str, key: KeyName, policy: Policy, endpoint: Any, facts: dict[str, tuple[str, ...]]
) -> Verdict:
    """Without grants. In the key's own account identities' policies count where the key's policy names the account."""
    wanted = Wanted(action, key.arn, key.account, policy, endpoint)
    own = key.account == authority.account
    verdict = decide(authority, wanted, facts)
    if not own or verdict.explicit:
        return verdict
    both = decide(authority, wanted._replace(owner=_ELSEWHERE), facts)
    if both.allowed or authority.kind == ROOT:
        return both
    alone = decide(authority._replace(policies=()), wanted, facts)  # those who are named need no Allow of their own
    return ALLOWED if alone.allowed else both


async def _is_granted(grants: Grants, authority: Authority, use: Use, record: KeyRecord) -> bool:
    operation = use.action.removeprefix("kms:")
    names = {authority.arn, principal_arn(authority)}
    if authority.kind == ROOT:
        names.add(authority.account)
    async for grant in grants.of(record.name):
        if grant.grantee in names and operation in grant.operations:
            if _fits(grant.constraints, use.context or {}):
                return True
    return False


def _fits(constraints: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    """Whether an encryption context is as a grant wants it."""
    equal, subset = constraints.get("EncryptionContextEquals"), constraints.get("EncryptionContextSubset")
    if constraints.get("SourceArn") is not None:  # no service asks for its resources here
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
        "kms:calleraccount": authority.account,
        "kms:viaservice": asker.service,
    }
    facts.update({key: (value,) for key, value in single.items() if value is not None})
    return facts


def _key_facts(use: Use, record: KeyRecord) -> dict[str, tuple[str, ...]]:
    facts: dict[str, tuple[str, ...]] = {
        "aws:resourceaccount": (record.account,),
        "kms:keyspec": ("SYMMETRIC_DEFAULT",),
        "kms:keyusage": ("ENCRYPT_DECRYPT",),
        "kms:keyorigin": ("AWS_KMS",),
        "kms:resourcealiases": tuple(record.aliases),
    }
    if use.alias is not None:
        facts["kms:requestalias"] = (use.alias,)
    if use.context:
        facts["kms:encryptioncontextkeys"] = tuple(use.context)
        facts.update({f"kms:encryptioncontext:{name.lower()}": (value,) for name, value in use.context.items()})
    facts.update({f"aws:resourcetag/{name.lower()}": (value,) for name, value in record.tags.items()})
    return facts
