"""CreateAlias."""

from statordb.kms_api.aliases import fault_of, name_of, target
from statordb.kms_api.context import Answer, Context, Request


async def create_alias(context: Context, request: Request) -> Answer:
    name = name_of(context, request["AliasName"])
    await context.admit("CreateAlias", name.arn)
    key = await target(context, "CreateAlias", request["TargetKeyId"])
    reason = await context.store.kms.aliases.create(name, key.name)
    if reason is not None:
        raise fault_of(reason, name, key)
    return None
