"""RevokeGrant."""

from statordb.kms_api import errors, grants
from statordb.kms_api.context import Answer, Context, Request, pending


async def revoke_grant(context: Context, request: Request) -> Answer:
    record = await context.own_key("RevokeGrant", request["KeyId"])
    grants.check_id(request["GrantId"])
    fault = pending(record)
    if fault is not None:
        raise fault
    store = context.store.kms.grants
    if request.get("DryRun") and await store.find(record.name, request["GrantId"]) is not None:
        raise errors.dry_run()
    if not await store.delete(record.name, request["GrantId"]):
        raise errors.grant_not_found(request["GrantId"])
    return None
