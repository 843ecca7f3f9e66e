"""RetireGrant: by the grant's token, or by its id and its key's."""

from statordb.kms_api import errors, grants
from statordb.kms_api.context import Answer, Context, Request
from statordb.store.kms.records import GrantRecord, KeyName


async def retire_grant(context: Context, request: Request) -> Answer:
    key, grant = await _named(context, request)
    context.admit("RetireGrant", key.arn)
    if request.get("DryRun"):
        raise errors.dry_run()
    await context.store.kms.grants.delete(key, grant.id)
    return None


async def _named(context: Context, request: Request) -> tuple[KeyName, GrantRecord]:
    store, principal = context.store.kms.grants, context.principal
    token, key_id, id = request.get("GrantToken"), request.get("KeyId"), request.get("GrantId")
    if token is not None:
        if key_id is not None or id is not None:
            raise errors.validation("Specify either a grant token, or a key ID and a grant ID.")
        found = await store.by_token(token)
        if found is None or found[0].account != principal.account or found[0].region != principal.region:
            raise errors.invalid_grant_token()
        return found
    if key_id is None or id is None:
        raise errors.validation("Specify either a grant token, or a key ID and a grant ID.")
    record = await context.own_key("RetireGrant", key_id)
    grants.check_id(id)
    grant = await store.find(record.name, id)
    if grant is None:
        raise errors.grant_not_found(id)
    return record.name, grant
