"""ListKeyPolicies: a key has one."""

from statordb.kms_api import pages, policies
from statordb.kms_api.context import Answer, Context, Request


async def list_key_policies(context: Context, request: Request) -> Answer:
    await context.own_key("ListKeyPolicies", request["KeyId"])
    names = [policies.DEFAULT]
    return pages.of_sorted("PolicyNames", names, dict(zip(names, names, strict=True)), request, pages.LIMIT)
