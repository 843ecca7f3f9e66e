"""AssumeRoleWithWebIdentity."""

from statordb.access.authority import FEDERATED, Authority
from statordb.access.document import Kind, compile_policy
from statordb.iam_api import errors, sessions, trust, web_identity
from statordb.iam_api.context import Answer, Context, Request
from statordb.iam_api.facts import Facts, of_resource
from statordb.iam_api.web_identity import Token
from statordb.model.identity_limits import ROLE_SESSION_SECONDS
from statordb.store.access_keys import ROLE_SESSION, SessionRecord

_ACTION = "sts:AssumeRoleWithWebIdentity"


async def assume_role_with_web_identity(context: Context, request: Request) -> Answer:
    """Temporary keys of a role for who has a token of an issuer that the role's trust policy names. Not signed."""
    arn, name = request["RoleArn"], request["RoleSessionName"]
    role = await trust.role_of(context, arn)
    token = web_identity.verify(request["WebIdentityToken"], context.issuers, context.store.clock.now())
    refused = errors.access_denied(f"Not authorized to perform {_ACTION}")
    if role is None:
        raise refused
    known = {**context.facts(), **of_resource(role.tags), **_facts(token), "sts:rolesessionname": (name,)}
    provider = f"arn:aws:iam::{role.account}:oidc-provider/{token.issuer.name}"
    # Of no account, and of no name but its provider's: what a token calls its subject is nobody's name here.
    who = Authority(FEDERATED, provider, "", "")
    trusted = compile_policy(role.trust, Kind.TRUST)
    if not await trust.trusts(who, trusted, _ACTION, arn, known, context.origin.policy):
        raise refused
    seconds = request.get("DurationSeconds", ROLE_SESSION_SECONDS)
    if seconds > role.session_seconds_max:
        raise errors.validation("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
    session = SessionRecord(
        ROLE_SESSION,
        role.id,
        await sessions.policies(context, role.account, request),
        facts={"aws:FederatedProvider": provider, **{key: values[0] for key, values in _facts(token).items()}},
    )
    made = await context.credentials.begin_session(role.account, f"{role.name}/{name}", session, float(seconds))
    return {
        "Credentials": sessions.shown(made),
        "SubjectFromWebIdentityToken": token.subject,
        "AssumedRoleUser": {"AssumedRoleId": f"{role.id}:{name}", "Arn": made.arn},
        "PackedPolicySize": sessions.packed_percent(request),
        "Provider": token.issuer.url,
        "Audience": token.audience,
    }


def _facts(token: Token) -> Facts:
    """Condition keys of a provider begin with its name."""
    name = token.issuer.name.lower()
    return {f"{name}:sub": (token.subject,), f"{name}:aud": (token.audience,)}
