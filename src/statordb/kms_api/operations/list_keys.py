"""ListKeys."""

from statordb.kms_api import pages
from statordb.kms_api.context import Answer, Context, Request


async def list_keys(context: Context, request: Request) -> Answer:
    await context.admit("ListKeys")
    after, limit = pages.begin(request)
    principal = context.principal
    found, more = await context.store.kms.keys.page(principal.account, principal.region, after, limit)
    shown = [{"KeyId": record.id, "KeyArn": record.arn} for record in found]
    return pages.answer("Keys", shown, found[-1].id if found else "", more)
