"""GetResourcePolicy, of a table or a stream."""

from statordb.api import resource_policies
from statordb.api.context import Answer, Context, Request
from statordb.model import errors


async def get_resource_policy(context: Context, request: Request) -> Answer:
    arn = request["ResourceArn"]
    named, record = await resource_policies.record_of(context, "dynamodb:GetResourcePolicy", arn)
    policy = resource_policies.found(record, named.label)
    if policy is None or not policy.text:
        raise errors.policy_not_found(arn)
    return {"Policy": policy.text, "RevisionId": policy.revision}
