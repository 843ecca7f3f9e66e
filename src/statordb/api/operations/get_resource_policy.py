"""GetResourcePolicy: of a table or a stream, which have none."""

from statordb.api import resource_arns
from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import StreamDemand, TableDemand
from statordb.model import errors


async def get_resource_policy(context: Context, request: Request) -> Answer:
    arn = request["ResourceArn"]
    resource = resource_arns.parse(context, arn)
    if resource.region != context.principal.region:
        raise errors.invalid_parameters(f"Invalid resource Arn: {arn}")
    if resource.account != context.principal.account:
        raise errors.validation(
            "This action is only supported by accounts that match the resource owner\u2019s account."
        )
    account, region, table, label = resource
    if label is None:
        await context.described(TableDemand("dynamodb:GetResourcePolicy", arn))
    else:
        await context.admit(StreamDemand("dynamodb:GetResourcePolicy", arn))
        if await context.store.streams.find(account, region, table, label) is None:
            raise errors.resource_not_found(
                f"Requested resource not found: Stream: {label} not found for Table: {table}"
            )
    raise errors.policy_not_found(arn)
