"""DescribeTimeToLive."""

from statordb.api.context import Answer, Context, Request


async def describe_time_to_live(context: Context, request: Request) -> Answer:
    table = await context.described(request["TableName"])
    expiry = table.record.expiry
    if expiry is None:
        return {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
    return {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": expiry.attribute}}
