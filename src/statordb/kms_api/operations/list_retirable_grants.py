"""ListRetirableGrants: the grants of all keys that a principal may retire."""

from collections.abc import AsyncIterator
from typing import Any

from statordb.kms_api import errors, grants, pages
from statordb.kms_api.context import Answer, Context, Request
from statordb.store.kms.records import GrantRecord, KeyName, KeyRecord

KEYS_AT_ONCE = 100


async def list_retirable_grants(context: Context, request: Request) -> Answer:
    retiring = request.get("RetiringPrincipal")
    if retiring is None:
        raise errors.validation(
            "1 validation error detected: Value null at 'retiringPrincipal' failed to satisfy constraint: "
            "Member must not be null"
        )
    await context.admit("ListRetirableGrants")
    after, limit = pages.begin(request, pages.LIMIT_OF_FEW)
    found: list[tuple[str, dict[str, Any]]] = []
    async for record, grant in _behind(context, *(after or "/").partition("/")[::2]):
        if grant.retiring != retiring:
            continue
        if len(found) == limit:
            return pages.answer("Grants", [each for _, each in found], found[-1][0], True)
        found.append((f"{record.id}/{grant.id}", grants.shown(record, grant)))
    return pages.answer("Grants", [each for _, each in found], "", False)


async def _behind(context: Context, key: str, grant: str) -> AsyncIterator[tuple[KeyRecord, GrantRecord]]:
    """All grants behind one of a key: the key's others, then those of the keys that follow."""
    kms, principal = context.store.kms, context.principal
    if key:
        record = await kms.keys.find(KeyName(principal.account, principal.region, key))
        if record is not None:
            async for each in kms.grants.of(record.name, grant):
                yield record, each
    after, more = key or None, True
    while more:
        records, more = await kms.keys.page(principal.account, principal.region, after, KEYS_AT_ONCE)
        for record in records:
            after = record.id
            async for each in kms.grants.of(record.name):
                yield record, each
