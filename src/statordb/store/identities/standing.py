"""What an access key stands for: who that is, and the policies that say what it may do."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from statordb.store.access_keys import FEDERATED_SESSION, ROLE_SESSION, KeyRecord, SessionRecord
from statordb.store.identities.functions import trusts_functions
from statordb.store.identities.identities import GROUP, ROLE, USER, Identities, named
from statordb.store.identities.records import Identity, RoleRecord, UserRecord

Facts = Mapping[str, str | tuple[str, ...]]
_NO_FACTS: Facts = {}


class NamedPolicy(NamedTuple):
    """A policy of an identity. `sort`: "user", "group", "role" for inline ones, "policy" for managed ones; `owner`: the
    name of the identity that has it."""

    name: str
    sort: str
    owner: str
    document: str


class Standing(NamedTuple):
    """Who asks, and why they may. `kind`: root, user, role or federated; `user_id`: aws:userid; `name`: aws:username;
    `boundary`: the document of one; `session`: documents of session policies, None if the session has none."""

    kind: str
    arn: str
    account: str
    user_id: str
    name: str = ""
    policies: tuple[NamedPolicy, ...] = ()
    boundary: str | None = None
    session: tuple[str, ...] | None = None
    facts: Facts = _NO_FACTS


def root(account: str) -> Standing:
    return Standing("root", f"arn:aws:iam::{account}:root", account, account)


async def of_key(identities: Identities, record: KeyRecord) -> Standing | None:
    """What a key stands for as things are now; None if its user, or its session's role, is gone."""
    session = record.session
    if session is None:
        if record.is_root:
            return root(record.account)
        user = await _by_id(identities, record.account, record.owner)
        return None if user is None else await of_identity(identities, user)
    facts: dict[str, str | tuple[str, ...]] = {
        "aws:TokenIssueTime": _instant(record.created_at),
        "aws:MultiFactorAuthPresent": "false",  # temporary keys say so, long-term ones say nothing, as on AWS
        **session.facts,
    }
    if session.sort == ROLE_SESSION:
        return await _of_role(identities, record, session, facts)
    found = root(record.account)
    if session.owner:
        user = await _by_id(identities, record.account, session.owner)
        if user is None:
            return None
        found = await of_identity(identities, user)
    if session.sort == FEDERATED_SESSION:
        return _federated(found, record, session, facts)
    return found._replace(facts={**found.facts, **facts})


def _federated(
    found: Standing, record: KeyRecord, session: SessionRecord, facts: dict[str, str | tuple[str, ...]]
) -> Standing:
    """Of a session that `found` gave to somebody: without session policies it may nothing."""
    return found._replace(
        kind="federated",
        arn=f"arn:aws:sts::{record.account}:federated-user/{record.user}",
        user_id=f"{record.account}:{record.user}",
        name="",
        policies=found.policies or _everything(found),
        session=tuple(session.policies or ()),
        facts={**_tags(session.tags), **facts},
    )


async def of_identity(identities: Identities, identity: Identity) -> Standing:
    """What a user, group or role stands for by itself."""
    account = identity.account
    sort = _sort(identity)
    policies = await _policies(identities, sort, identity)
    if isinstance(identity, UserRecord):
        for group in await identities.by_ids(account, identity.groups):
            policies += await _policies(identities, GROUP, group)
    boundary = await identities.policy(account, identity.boundary) if identity.boundary else None
    bound = None if boundary is None else boundary.document
    if identity.boundary and bound is None:
        bound = _NOTHING
    facts = _tags(identity.tags)
    return Standing(
        ROLE if sort == ROLE else USER,
        identity.arn,  # type: ignore[attr-defined]  # each of the three has one
        account,
        identity.id,
        identity.name if sort == USER else "",
        policies,
        bound,
        None,
        facts,
    )


async def _of_role(
    identities: Identities, record: KeyRecord, session: SessionRecord, facts: dict[str, str | tuple[str, ...]]
) -> Standing | None:
    name, _, session_name = record.user.partition("/")
    arn = f"arn:aws:sts::{record.account}:assumed-role/{name}/{session_name}"
    role = await identities.one(record.account, named(ROLE, name))
    if role is not None and session.owner not in ("", role.id):
        role = None  # another one of the same name
    if role is not None and not session.owner and not _is_given(role, session):
        role = None
    if role is None:
        # A function's role need not exist: its session may nothing then, whatever a table's or a key's policy lets in.
        return None if session.owner else _nobody(arn, record.account, session_name, facts)
    found = await of_identity(identities, role)
    facts[_PRINCIPAL_ARN] = role.arn
    if session.source:
        facts["aws:SourceIdentity"] = session.source
    return found._replace(
        arn=arn,
        user_id=f"{role.id}:{session_name}",
        session=None if session.policies is None else tuple(session.policies),
        facts={**found.facts, **_tags(session.tags), **facts},
    )


def _is_given(role: RoleRecord, session: SessionRecord) -> bool:
    """Whether a function's session is one of a role: it was given that one, not another of its name in another path or
    account, and the role trusts functions now."""
    return session.facts.get(_PRINCIPAL_ARN, role.arn) == role.arn and trusts_functions(role)


def _nobody(arn: str, account: str, session_name: str, facts: Facts) -> Standing:
    policies = (NamedPolicy("none", ROLE, "", _NOTHING),)
    return Standing(ROLE, arn, account, f":{session_name}", policies=policies, facts=facts)


async def _policies(identities: Identities, sort: str, identity: Identity) -> tuple[NamedPolicy, ...]:
    inline = [NamedPolicy(name, sort, identity.name, text) for name, text in identity.inline.items()]
    for arn in identity.attached:
        found = await identities.policy(identity.account, arn)
        if found is not None:
            inline.append(NamedPolicy(found.name, "policy", identity.name, found.document))
    return tuple(inline)


async def _by_id(identities: Identities, account: str, id: str) -> Identity | None:
    found = await identities.by_ids(account, [id]) if id else []
    return found[0] if found else None


def _sort(identity: Identity) -> str:
    return USER if isinstance(identity, UserRecord) else GROUP if hasattr(identity, "members") else ROLE


def _everything(found: Standing) -> tuple[NamedPolicy, ...]:
    """The policies of who federates: the account's root may all."""
    if found.kind != "root":
        return ()
    return (NamedPolicy("root", "user", "root", _ALL),)


def _tags(tags: Mapping[str, str]) -> dict[str, str | tuple[str, ...]]:
    return {f"aws:PrincipalTag/{key}": value for key, value in tags.items()}


def _instant(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


_PRINCIPAL_ARN = "aws:PrincipalArn"
_NOTHING = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}'
_ALL = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
