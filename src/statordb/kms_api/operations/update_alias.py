"""UpdateAlias."""

from statordb.kms_api import errors
from statordb.kms_api.aliases import fault_of, name_of, target
from statordb.kms_api.context import Answer, Context, Request
from statordb.store.kms.records import SYMMETRIC, KeyRecord


async def update_alias(context: Context, request: Request) -> Answer:
    name = name_of(context, request["AliasName"])
    await context.admit("UpdateAlias", name.arn)
    key = await target(context, "UpdateAlias", request["TargetKeyId"])
    aliases = context.store.kms.aliases
    before = await aliases.find(name)
    if before is not None:
        current = await context.key("UpdateAlias", before.key.arn)
        if _kind(current) != _kind(key):  # whoever goes by the alias would find that nothing works any more
            raise errors.validation(
                f"The alias {name.arn} can't mean a key of {key.spec} for {key.usage}: the one that it means is of "
                f"{current.spec} for {current.usage}."
            )
    reason = await aliases.update(name, key.name)
    if reason is not None:
        raise fault_of(reason, name, key)
    return None


def _kind(record: KeyRecord) -> tuple[str, bool]:
    return record.usage, record.spec == SYMMETRIC
