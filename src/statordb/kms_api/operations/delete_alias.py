"""DeleteAlias."""

from statordb.kms_api.aliases import fault_of, name_of
from statordb.kms_api.context import Answer, Context, Request


async def delete_alias(context: Context, request: Request) -> Answer:
    name = name_of(context, request["AliasName"])
    await context.admit("DeleteAlias", name.arn)
    aliases = context.store.kms.aliases
    found = await aliases.find(name)
    if found is not None:
        await context.key("DeleteAlias", found.key.arn)
    reason = await aliases.delete(name)
    if reason is not None:
        raise fault_of(reason, name, None)
    return None
