"""DescribeTimeToLive."""

from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import TableDemand


async def describe_time_to_live(context: Context, request: Request) -> Answer:
    table = await context.described(TableDemand("dynamodb:DescribeTimeToLive", request["TableName"]))
    expiry = table.record.expiry
    if expiry is None:
        return {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
    return {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": expiry.attribute}}
