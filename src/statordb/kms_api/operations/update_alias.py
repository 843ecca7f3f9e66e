"""UpdateAlias."""

from statordb.kms_api.aliases import fault_of, name_of, target
from statordb.kms_api.context import Answer, Context, Request


async def update_alias(context: Context, request: Request) -> Answer:
    name = name_of(context, request["AliasName"])
    await context.admit("UpdateAlias", name.arn)
    key = await target(context, "UpdateAlias", request["TargetKeyId"])
    aliases = context.store.kms.aliases
    before = await aliases.find(name)
    if before is not None:
        await context.key("UpdateAlias", before.key.arn)
    reason = await aliases.update(name, key.name)
    if reason is not None:
        raise fault_of(reason, name, key)
    return None
