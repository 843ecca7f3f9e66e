"""UpdatePrimaryRegion: there are no multi-Region keys, and others have no primary key."""

from statordb.kms_api import errors
from statordb.kms_api.context import Answer, Context, Request


async def update_primary_region(context: Context, request: Request) -> Answer:
    known = {"kms:primaryregion": (request["PrimaryRegion"],)}
    await context.own_key("UpdatePrimaryRegion", request["KeyId"], known)
    raise errors.operation_unsupported()
