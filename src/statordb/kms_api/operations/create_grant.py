"""CreateGrant."""

from statordb.kms_api import blobs, errors, grants
from statordb.kms_api.context import Answer, Context, Request, unusable
from statordb.model.kms_limits import GRANTS_PER_KEY_MAX
from statordb.store.kms.records import GrantRecord

_SERVICES = ("GranteeServicePrincipal", "RetiringServicePrincipal")


async def create_grant(context: Context, request: Request) -> Answer:
    for member in _SERVICES:
        if request.get(member) is not None:
            raise errors.unsupported(f"{member} is not supported by this server.")
    if request.get("GranteePrincipal") is None:
        raise errors.validation(
            "1 validation error detected: Value null at 'granteePrincipal' failed to satisfy constraint: "
            "Member must not be null"
        )
    constraints = request.get("Constraints") or {}
    for member in ("EncryptionContextSubset", "EncryptionContextEquals"):
        blobs.context_of(constraints, member)
    wanted = GrantRecord(
        "",
        request["GranteePrincipal"],
        list(dict.fromkeys(request["Operations"])),
        context.principal.account,
        0.0,
        "",
        request.get("Name"),
        request.get("RetiringPrincipal"),
        constraints,
    )
    record = await context.own_key("CreateGrant", request["KeyId"], grant=wanted)
    fault = unusable(record)
    if fault is not None:
        raise fault
    grants.check_operations(record, request["Operations"])
    if request.get("DryRun"):
        raise errors.dry_run()
    made = await context.store.kms.grants.create(record.name, wanted)
    if made is None:
        raise errors.limit_exceeded(f"{record.arn} has {GRANTS_PER_KEY_MAX} grants, which is the most it may have")
    return {"GrantToken": made.token, "GrantId": made.id}
