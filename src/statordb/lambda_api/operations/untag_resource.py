"""UntagResource."""

from statordb.lambda_api.context import Answer, Context, Request
from statordb.lambda_api.tags import retag


async def untag_resource(context: Context, request: Request) -> Answer:
    gone = frozenset(request["TagKeys"])
    await retag(
        context, request["Resource"], lambda tags: {key: value for key, value in tags.items() if key not in gone}
    )
    return {}
