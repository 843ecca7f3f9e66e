"""GetResourcePolicy: of a table or a stream, which have none."""

from statordb.api import stream_arns
from statordb.api.context import Answer, Context, Request
from statordb.api.tags import tagged_table
from statordb.commands.demands import StreamDemand, TableDemand
from statordb.model import errors
from statordb.model.arns import parse_stream


async def get_resource_policy(context: Context, request: Request) -> Answer:
    arn = request["ResourceArn"]
    if parse_stream(arn) is None:
        await tagged_table(context, TableDemand("dynamodb:GetResourcePolicy", arn))
    else:
        await stream_arns.find(context, StreamDemand("dynamodb:GetResourcePolicy", arn))
    raise errors.policy_not_found(arn)
