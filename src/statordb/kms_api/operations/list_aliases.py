"""ListAliases: all of the account and region, or those of a key."""

from typing import Any

from statordb.kms_api import pages
from statordb.kms_api.context import Answer, Context, Request
from statordb.store.kms.aliases import Alias
from statordb.store.kms.records import AliasName


async def list_aliases(context: Context, request: Request) -> Answer:
    await context.admit("ListAliases")
    aliases = context.store.kms.aliases
    if request.get("KeyId") is not None:
        key = await context.own_key("ListAliases", request["KeyId"])
        names = (AliasName(key.account, key.region, each) for each in key.aliases)
        found = {each.name: each for each in [await aliases.find(name) for name in names] if each is not None}
        shown = {name.name: _shown(alias) for name, alias in found.items()}
        return pages.of_sorted("Aliases", sorted(shown), shown, request, pages.LIMIT_OF_FEW)
    after, limit = pages.begin(request, pages.LIMIT_OF_FEW)
    principal = context.principal
    page, more = await aliases.page(principal.account, principal.region, after, limit)
    return pages.answer("Aliases", [_shown(each) for each in page], page[-1].name.name if page else "", more)


def _shown(alias: Alias) -> dict[str, Any]:
    return {
        "AliasName": alias.name.name,
        "AliasArn": alias.name.arn,
        "TargetKeyId": alias.record.key,
        "CreationDate": round(alias.record.created_at, 3),
        "LastUpdatedDate": round(alias.record.updated_at, 3),
    }
