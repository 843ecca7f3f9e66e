"""CreateKey."""

from typing import Any

from statordb.commands.key_permission import of_tags
from statordb.kms_api import errors, policies, tags
from statordb.kms_api.context import Answer, Context, Request
from statordb.kms_api.keys import SYMMETRIC, metadata
from statordb.store.kms.policies import of_account

# Members that ask for material of another place than this server, or in several regions.
_KIND = {
    "kms:keyspec": (SYMMETRIC,),
    "kms:keyusage": ("ENCRYPT_DECRYPT",),
    "kms:keyorigin": ("AWS_KMS",),
    "kms:multiregion": ("false",),
}
_ELSEWHERE = ("CustomKeyStoreId", "XksKeyId", "MultiRegion")


async def create_key(context: Context, request: Request) -> Answer:
    _check_kind(request)
    given = tags.parse(request.get("Tags"))
    known = {**_KIND, **of_tags(given), **policies.facts_of(request)}
    await context.admit("CreateKey", more=known)
    if given:
        await context.admit("TagResource", more=known)
    principal, keys = context.principal, context.store.kms.keys
    text = request.get("Policy") or of_account(principal.account)
    record = keys.draft(principal.account, principal.region, text, request.get("Description") or "", given)
    if request.get("Policy") is not None:
        await policies.check(context, text, record.name, request.get("BypassPolicyLockoutSafetyCheck"))
    await keys.put(record)
    return {"KeyMetadata": metadata(record)}


def _check_kind(request: dict[str, Any]) -> None:
    """Raises UnsupportedOperationException for keys of other kinds than symmetric ones of this server."""
    if request.get("KeySpec") and request.get("CustomerMasterKeySpec"):
        raise errors.validation(
            "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is "
            "deprecated."
        )
    spec = request.get("KeySpec") or request.get("CustomerMasterKeySpec") or SYMMETRIC
    if spec != SYMMETRIC:
        raise errors.unsupported(f"Keys of the key spec {spec} are not supported by this server.")
    usage = request.get("KeyUsage") or "ENCRYPT_DECRYPT"
    if usage != "ENCRYPT_DECRYPT":
        raise errors.validation(f"KeyUsage {usage} is not compatible with KeySpec {spec}")
    origin = request.get("Origin") or "AWS_KMS"
    if origin != "AWS_KMS":
        raise errors.unsupported(f"Keys of the origin {origin} are not supported by this server.")
    for member in _ELSEWHERE:
        if request.get(member):
            raise errors.unsupported(f"{member} is not supported by this server.")
