"""Names of aliases, and why one is not made or changed."""

from statordb.kms_api import errors
from statordb.kms_api.context import Context
from statordb.model.errors import ClientError
from statordb.model.kms_limits import ALIASES_PER_KEY_MAX
from statordb.store.kms import aliases
from statordb.store.kms.records import AliasName, KeyRecord
from statordb.store.kms.references import ALIAS_PREFIX

RESERVED = "alias/aws/"


def name_of(context: Context, text: str) -> AliasName:
    """The alias of a request that makes, changes or deletes it. Raises ValidationException, NotAuthorizedException."""
    if not text.startswith(ALIAS_PREFIX) or text == ALIAS_PREFIX:
        raise errors.validation("Invalid identifier")
    if text.startswith(RESERVED):
        raise errors.of("NotAuthorizedException")
    if ":" in text:
        raise errors.validation(f"{text} contains invalid characters for an alias")
    return AliasName(context.principal.account, context.principal.region, text)


async def target(context: Context, action: str, text: str) -> KeyRecord:
    """The key that an alias is to mean. Raises also ValidationException for another alias."""
    if isinstance(context.reference(text), AliasName):
        raise errors.validation("Aliases must refer to keys. Not aliases")
    return await context.key(action, text)


def fault_of(reason: str, name: AliasName, key: KeyRecord | None) -> ClientError:
    """The error of what the store refused."""
    if reason == aliases.TAKEN:
        return errors.alias_exists(name.arn)
    if reason == aliases.NO_ALIAS or key is None:
        return errors.alias_not_found(name.arn)
    if reason == aliases.PENDING:
        return errors.pending_deletion(key.arn)
    if reason == aliases.TOO_MANY:
        return errors.limit_exceeded(f"{key.arn} has {ALIASES_PER_KEY_MAX} aliases, which is the most it may have")
    return errors.key_not_found(key.arn)
