"""DescribeEndpoints."""

from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import AccountDemand

CACHE_MINUTES = 1440  # what DynamoDB answers


async def describe_endpoints(context: Context, request: Request) -> Answer:
    await context.admit(AccountDemand("dynamodb:DescribeEndpoints"))
    return {"Endpoints": [{"Address": context.endpoint, "CachePeriodInMinutes": CACHE_MINUTES}]}
