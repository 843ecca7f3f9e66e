"""DescribeBulkOperation."""

from statordb.api import bulk
from statordb.api.context import Answer, Context, Request


async def describe_bulk_operation(context: Context, request: Request) -> Answer:
    record = await bulk.find(context, "dynamodb:DescribeBulkOperation", request["BulkOperationArn"])
    return {"BulkOperationDescription": bulk.description(record)}
