"""CreateKey."""

from typing import Any

from statordb.commands.key_permission import of_tags
from statordb.kms_api import errors, policies, tags
from statordb.kms_api.context import Answer, Context, Request
from statordb.kms_api.keys import metadata
from statordb.store.kms.policies import of_account
from statordb.store.kms.records import (
    AWS_KMS,
    ENCRYPT_DECRYPT,
    ENCRYPTS,
    EXTERNAL,
    GENERATE_VERIFY_MAC,
    MACS,
    SIGN_VERIFY,
    SIGNATURES,
    SYMMETRIC,
)

# Members that ask for material of another place than this server, or in several regions.
_ELSEWHERE = ("CustomKeyStoreId", "XksKeyId", "MultiRegion")


async def create_key(context: Context, request: Request) -> Answer:
    spec, usage, origin = _checked_kind(request)
    given = tags.parse(request.get("Tags"))
    kind = {"kms:keyspec": (spec,), "kms:keyusage": (usage,)}
    kind |= {"kms:keyorigin": (origin,), "kms:multiregion": ("false",)}
    known = {**kind, **of_tags(given), **policies.facts_of(request)}
    await context.admit("CreateKey", more=known)
    if given:
        await context.admit("TagResource", more=known)
    principal, keys = context.principal, context.store.kms.keys
    text = request.get("Policy") or of_account(principal.account)
    private = None
    if spec in SIGNATURES and origin == AWS_KMS:
        private = await keys.pairs.make(spec)
    told = request.get("Description") or ""
    use = usage if spec in SIGNATURES and usage != SIGN_VERIFY else ""
    record = keys.draft(principal.account, principal.region, text, told, given, spec, private, use, origin)
    if request.get("Policy") is not None:
        await policies.check(context, text, record.name, request.get("BypassPolicyLockoutSafetyCheck"))
    await keys.put(record)
    return {"KeyMetadata": metadata(record)}


def _checked_kind(request: dict[str, Any]) -> tuple[str, str, str]:
    """The spec, the usage and the origin of the key. Raises UnsupportedOperationException for keys of other kinds than
    those of this server that encrypt, make codes, or sign."""
    if request.get("KeySpec") and request.get("CustomerMasterKeySpec"):
        raise errors.validation(
            "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is "
            "deprecated."
        )
    spec = request.get("KeySpec") or request.get("CustomerMasterKeySpec") or SYMMETRIC
    usages = {SYMMETRIC: ENCRYPT_DECRYPT, **dict.fromkeys(MACS, GENERATE_VERIFY_MAC)}
    usages |= dict.fromkeys(SIGNATURES, SIGN_VERIFY)
    if spec not in usages:
        raise errors.unsupported(f"Keys of the key spec {spec} are not supported by this server.")
    if spec in SIGNATURES and not request.get("KeyUsage"):
        raise errors.validation("You must specify a KeyUsage value for an asymmetric CMK.")
    usage = request.get("KeyUsage") or ENCRYPT_DECRYPT
    if usage != usages[spec] and not (spec in ENCRYPTS and usage == ENCRYPT_DECRYPT):
        if spec in SIGNATURES and usage == "KEY_AGREEMENT":
            raise errors.unsupported(f"Keys of the key spec {spec} for {usage} are not supported by this server.")
        raise errors.validation(f"KeyUsage {usage} is not compatible with KeySpec {spec}")
    origin = request.get("Origin") or AWS_KMS
    if origin not in (AWS_KMS, EXTERNAL):
        raise errors.unsupported(f"Keys of the origin {origin} are not supported by this server.")
    if origin == EXTERNAL and spec in ENCRYPTS:
        raise errors.unsupported(f"Imported material of the key spec {spec} is not supported by this server.")
    for member in _ELSEWHERE:
        if request.get(member):
            raise errors.unsupported(f"{member} is not supported by this server.")
    return spec, usage, origin
