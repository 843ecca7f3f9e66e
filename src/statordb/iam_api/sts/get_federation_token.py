"""GetFederationToken."""

from statordb.iam_api import facts, sessions
from statordb.iam_api.context import Answer, Context, Request
from statordb.store.access_keys import FEDERATED_SESSION, SessionRecord


async def get_federation_token(context: Context, request: Request) -> Answer:
    """Temporary keys for somebody else: they may what the request's policies and those of who asks both allow."""
    name = request["Name"]
    arn = f"arn:aws:sts::{context.account}:federated-user/{name}"
    tags = sessions.tags(request.get("Tags", ()))
    await context.demand(arn, facts.of_tags(tags))
    if tags:
        await context._replace(action="sts:TagSession").demand(arn, facts.of_tags(tags))
    key = await sessions.key_of(context)
    sessions.must_be_long_term(key, "GetFederationToken")
    _, owner = sessions.owner_of(key)
    session = SessionRecord(
        FEDERATED_SESSION,
        owner,
        await sessions.policies(context, context.account, request),
        tags,
    )
    seconds = sessions.user_seconds(request, owner)
    made = await context.credentials.begin_session(context.account, name, session, seconds)
    return {
        "Credentials": sessions.shown(made),
        "FederatedUser": {"FederatedUserId": f"{context.account}:{name}", "Arn": arn},
        "PackedPolicySize": sessions.packed_percent(request),
    }
