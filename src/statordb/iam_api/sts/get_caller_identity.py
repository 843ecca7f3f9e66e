"""GetCallerIdentity."""

from statordb.iam_api.context import Answer, Context, Request


async def get_caller_identity(context: Context, request: Request) -> Answer:
    """Nobody needs a permission for that, nor can a policy forbid it."""
    who = context.authority
    return {"UserId": who.user_id, "Account": who.account, "Arn": who.arn}
