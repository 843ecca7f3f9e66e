"""DescribeContributorInsights: of a table or a global index."""

from statordb.api import insights
from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import TableDemand
from statordb.commands.insights import told_index


async def describe_contributor_insights(context: Context, request: Request) -> Answer:
    table = await context.described(TableDemand("dynamodb:DescribeContributorInsights", request["TableName"]))
    index = told_index(table, request.get("IndexName"))
    return insights.described(table.record, table.record.insight(index), index, context.now())
