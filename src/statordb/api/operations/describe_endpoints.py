"""DescribeEndpoints."""

from statordb.api.context import Answer, Context, Request

CACHE_MINUTES = 1440  # what DynamoDB answers


async def describe_endpoints(context: Context, request: Request) -> Answer:
    return {"Endpoints": [{"Address": context.endpoint, "CachePeriodInMinutes": CACHE_MINUTES}]}
