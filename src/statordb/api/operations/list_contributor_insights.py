"""ListContributorInsights. It tells of what is enabled, which nothing is."""

from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import AccountDemand, TableDemand


async def list_contributor_insights(context: Context, request: Request) -> Answer:
    if request.get("TableName") is None:
        await context.admit(AccountDemand("dynamodb:ListContributorInsights"))
    else:
        await context.described(TableDemand("dynamodb:ListContributorInsights", request["TableName"]))
    return {"ContributorInsightsSummaries": []}
