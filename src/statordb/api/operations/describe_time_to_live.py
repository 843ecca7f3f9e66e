"""DescribeTimeToLive."""

from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import TableDemand
from statordb.model import errors


async def describe_time_to_live(context: Context, request: Request) -> Answer:
    table = await context.described(TableDemand("dynamodb:DescribeTimeToLive", request["TableName"]))
    status = table.record.status_at(context.now())
    if status in ("CREATING", "DELETING"):
        raise errors.validation(
            f"Cannot describe time to live while table is in {status} state: Current table state is {status}"
        )
    expiry = table.record.expiry
    if expiry is None:
        return {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
    return {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": expiry.attribute}}
