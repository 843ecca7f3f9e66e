"""RetireGrant: by the grant's token, or by its id and its key's."""

from statordb.access.decision import principal_arn
from statordb.kms_api import errors, grants
from statordb.kms_api.context import Answer, Context, Request
from statordb.store.kms.records import GrantRecord, KeyName, KeyRecord


async def retire_grant(context: Context, request: Request) -> Answer:
    record, grant = await _named(context, request)
    if not _may_retire(context, grant):
        await context.admit_key("RetireGrant", record)
    if request.get("DryRun"):
        raise errors.dry_run()
    await context.store.kms.grants.delete(record.name, grant.id)
    return None


def _may_retire(context: Context, grant: GrantRecord) -> bool:
    """Whether the grant itself says so."""
    authority = context.asker.authority
    names = {authority.arn, principal_arn(authority)}
    return grant.retiring in names or (grant.grantee in names and "RetireGrant" in grant.operations)


async def _named(context: Context, request: Request) -> tuple[KeyRecord, GrantRecord]:
    """The grant, and its key. Who knows a token, or both ids, is not asked for more before it is found."""
    kms, region = context.store.kms, context.principal.region
    token, key_id, id = request.get("GrantToken"), request.get("KeyId"), request.get("GrantId")
    if (token is None) is (key_id is None and id is None) or (token is None and None in (key_id, id)):
        raise errors.validation("Specify either a grant token, or a key ID and a grant ID.")
    if token is not None:
        found = await kms.grants.by_token(token)
        record = None if found is None or found[0].region != region else await kms.keys.find(found[0])
        if found is None or record is None:
            raise errors.invalid_grant_token()
        return record, found[1]
    reference = context.reference(str(key_id))
    if not isinstance(reference, KeyName):
        raise errors.invalid_key_id(str(key_id))
    grants.check_id(str(id))
    record = await kms.keys.find(reference) if reference.region == region else None
    grant = None if record is None else await kms.grants.find(record.name, str(id))
    if record is None or grant is None:
        await context.admit("RetireGrant", reference.arn)
        raise errors.grant_not_found(str(id))
    return record, grant
