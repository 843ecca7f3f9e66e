"""ListGrants."""

from statordb.kms_api import grants, pages
from statordb.kms_api.context import Answer, Context, Request
from statordb.store.kms.records import GrantRecord


async def list_grants(context: Context, request: Request) -> Answer:
    record = await context.own_key("ListGrants", request["KeyId"])
    after, limit = pages.begin(request, pages.LIMIT_OF_FEW)
    id, grantee = request.get("GrantId"), request.get("GranteePrincipal")
    if id is not None:
        grants.check_id(id)
    found: list[GrantRecord] = []
    async for grant in context.store.kms.grants.of(record.name, after):
        if (id is not None and grant.id != id) or (grantee is not None and grant.grantee != grantee):
            continue
        if len(found) == limit:
            return pages.answer("Grants", [grants.shown(record, each) for each in found], found[-1].id, True)
        found.append(grant)
    return pages.answer("Grants", [grants.shown(record, each) for each in found], "", False)
