"""DecodeAuthorizationMessage."""

from statordb.iam_api import errors
from statordb.iam_api.context import Answer, Context, Request


async def decode_authorization_message(context: Context, request: Request) -> Answer:
    """Refusals of the services that are here are told in clear, so that no message can be one of theirs."""
    await context.demand("*")
    raise errors.invalid_message("The message is not an encoded authorization message of this server's.")
