"""AssumeRole."""

from statordb.iam_api import errors, facts, sessions, trust
from statordb.iam_api.context import Answer, Context, Request
from statordb.model.identity_limits import CHAINED_SESSION_SECONDS_MAX, ROLE_SESSION_SECONDS
from statordb.store.access_keys import ROLE_SESSION, KeyRecord, SessionRecord
from statordb.store.identities.records import RoleRecord


async def assume_role(context: Context, request: Request) -> Answer:
    """Temporary keys of a role: its trust policy must allow it, and mostly the policies of who asks as well."""
    arn, name = request["RoleArn"], request["RoleSessionName"]
    role = await trust.role_of(context, arn)
    key = await sessions.key_of(context)
    session = _session(request, key)
    await trust.must_allow(context, role, arn, "sts:AssumeRole", _facts(request))
    if request.get("Tags"):
        await trust.must_allow(context, role, arn, "sts:TagSession", _facts(request))
    if "SourceIdentity" in request:
        await trust.must_allow(context, role, arn, "sts:SetSourceIdentity", _facts(request))
    assert role is not None, "what is not there allows nothing"
    seconds = _seconds(request, role, is_chained=_is_of_role(key))
    policies = await sessions.policies(context, role.account, request)
    session = SessionRecord(ROLE_SESSION, role.id, policies, session.tags, session.transitive, session.source)
    made = await context.credentials.begin_session(role.account, f"{role.name}/{name}", session, seconds)
    return {
        "Credentials": sessions.shown(made),
        "AssumedRoleUser": {"AssumedRoleId": f"{role.id}:{name}", "Arn": made.arn},
        "PackedPolicySize": sessions.packed_percent(request),
        "SourceIdentity": session.source or None,
    }


def _session(request: Request, key: KeyRecord | None) -> SessionRecord:
    """Tags and source of the session: those that go on from the session of who asks, and the request's."""
    given = sessions.tags(request.get("Tags", ()))
    transitive = list(request.get("TransitiveTagKeys", ()))
    lower = {each.lower() for each in given}
    if any(each.lower() not in lower for each in transitive):
        raise errors.invalid_parameter("Each of TransitiveTagKeys must be the key of one of Tags.")
    before = SessionRecord(ROLE_SESSION) if key is None or key.session is None else key.session
    inherited = {name: before.tags[name] for name in before.transitive if name in before.tags}
    if any(name.lower() in lower for name in inherited):
        raise errors.invalid_parameter(
            "One of the specified transitive tag keys can't be set because it conflicts "
            "with a transitive tag key from the calling session."
        )
    source = request.get("SourceIdentity", before.source)
    if before.source and source != before.source:
        raise errors.access_denied("SourceIdentity cannot be changed once it is set.")
    names = [name for name in given if name.lower() in {each.lower() for each in transitive}]
    return SessionRecord(ROLE_SESSION, "", None, {**inherited, **given}, [*inherited, *names], source)


def _is_of_role(key: KeyRecord | None) -> bool:
    return key is not None and key.session is not None and key.session.sort == ROLE_SESSION


def _seconds(request: Request, role: RoleRecord, is_chained: bool) -> float:
    seconds = request.get("DurationSeconds", ROLE_SESSION_SECONDS)
    if is_chained and seconds > CHAINED_SESSION_SECONDS_MAX:
        raise errors.validation(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
        )
    if seconds > role.session_seconds_max:
        raise errors.validation("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
    return float(seconds)


def _facts(request: Request) -> facts.Facts:
    known = facts.of_tags({tag["Key"]: tag["Value"] for tag in request.get("Tags", ())})
    for member, key in (
        ("ExternalId", "sts:externalid"),
        ("RoleSessionName", "sts:rolesessionname"),
        ("SourceIdentity", "sts:sourceidentity"),
    ):
        if member in request:
            known[key] = (request[member],)
    if request.get("TransitiveTagKeys"):
        known["sts:transitivetagkeys"] = tuple(request["TransitiveTagKeys"])
    return known
