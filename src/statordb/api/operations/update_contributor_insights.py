"""UpdateContributorInsights: of a table or a global index."""

from statordb.api import insights
from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import TableDemand
from statordb.commands.insights import told_index, update

_JUST_NOW = {True: "ENABLING", False: "DISABLING"}


async def update_contributor_insights(context: Context, request: Request) -> Answer:
    enables = request["ContributorInsightsAction"] == "ENABLE"
    table = await context.described(TableDemand("dynamodb:UpdateContributorInsights", request["TableName"]))
    index, now = told_index(table, request.get("IndexName")), context.now()
    before = table.record.insight(index)
    after = await update(context, table, index, enables, request.get("ContributorInsightsMode"))
    told = insights.shown(table.record, after, index, now)
    if after is not None and after != before and not after.failure:  # it settles later, be it at once
        told |= {"ContributorInsightsStatus": _JUST_NOW[enables], "ContributorInsightsMode": after.mode}
    return told
