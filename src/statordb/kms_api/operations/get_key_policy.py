"""GetKeyPolicy."""

from statordb.kms_api import policies
from statordb.kms_api.context import Answer, Context, Request


async def get_key_policy(context: Context, request: Request) -> Answer:
    record = await context.own_key("GetKeyPolicy", request["KeyId"])
    policies.check_name(request.get("PolicyName"))
    return {"Policy": record.policy, "PolicyName": policies.DEFAULT}
