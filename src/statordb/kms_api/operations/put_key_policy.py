"""PutKeyPolicy."""

from dataclasses import replace

from statordb.kms_api import policies
from statordb.kms_api.context import Answer, Context, Request
from statordb.kms_api.keys import change_any
from statordb.store.kms.records import KeyRecord


async def put_key_policy(context: Context, request: Request) -> Answer:
    record = await context.own_key("PutKeyPolicy", request["KeyId"], policies.facts_of(request))
    policies.check_name(request.get("PolicyName"))
    await policies.check(context, request["Policy"], record.name, request.get("BypassPolicyLockoutSafetyCheck"))

    def put(current: KeyRecord) -> KeyRecord:
        return replace(current, policy=request["Policy"])

    await change_any(context, record, put)
    return None
