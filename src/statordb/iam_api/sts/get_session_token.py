"""GetSessionToken."""

from statordb.iam_api import errors, sessions
from statordb.iam_api.context import Answer, Context, Request
from statordb.store.access_keys import USER_SESSION, SessionRecord


async def get_session_token(context: Context, request: Request) -> Answer:
    """Temporary keys of who asks, who needs no permission for that. There are no devices for a second factor."""
    key = await sessions.key_of(context)
    sessions.must_be_long_term(key, "GetSessionToken")
    if "SerialNumber" in request or "TokenCode" in request:
        raise errors.access_denied("MultiFactorAuthentication failed, unable to validate MFA code.")
    name, owner = sessions.owner_of(key)
    seconds = sessions.user_seconds(request, owner)
    session = SessionRecord(USER_SESSION, owner)
    return {
        "Credentials": sessions.shown(await context.credentials.begin_session(context.account, name, session, seconds))
    }
