"""DescribeContributorInsights: of a table or a global index, for which they are never enabled."""

from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import TableDemand
from statordb.model import errors


async def describe_contributor_insights(context: Context, request: Request) -> Answer:
    table = await context.described(TableDemand("dynamodb:DescribeContributorInsights", request["TableName"]))
    name = request.get("IndexName")
    if name is None:
        return {"TableName": table.name, "ContributorInsightsStatus": "DISABLED"}
    index = table.record.index(name)
    if index is None or index.local:
        raise errors.resource_not_found(
            f"Requested resource not found: Index: {name} not found for table: {table.name}"
        )
    return {"TableName": table.name, "IndexName": name, "ContributorInsightsStatus": "DISABLED"}
