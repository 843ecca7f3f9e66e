"""ListContributorInsights: of one table, or of all, what is enabled, or was not long ago."""

from typing import Any

from statordb.api import insights
from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import AccountDemand, TableDemand
from statordb.model import errors, markers

RESULTS_MAX = 100  # of a page
_DISABLED = "DISABLED"


async def list_contributor_insights(context: Context, request: Request) -> Answer:
    after, limit = _after(request.get("NextToken")), request.get("MaxResults")
    if limit is not None and limit <= 0:
        raise errors.validation("MaxResults must be greater than 0")
    name, now = request.get("TableName"), context.now()
    if name is not None:
        table = await context.described(TableDemand("dynamodb:ListContributorInsights", name))
        names, more = [table.name], False
        account, region = table.record.account, table.record.region
    else:
        await context.admit(AccountDemand("dynamodb:ListContributorInsights"))
        account, region = context.principal.account, context.principal.region
        names, more = await context.store.catalog.names(account, region, after, limit or RESULTS_MAX)
    found: list[dict[str, Any]] = []
    for each in names:
        known = await context.store.catalog.find(account, region, each)
        if known is not None:
            enabled = [insight for insight in known.record.insights if insight.status_at(now) != _DISABLED]
            found += [insights.shown(known.record, insight, insight.index, now) for insight in enabled]
    token = {"NextToken": markers.write(names[-1])} if more else {}
    return {"ContributorInsightsSummaries": found, **token}


def _after(token: str | None) -> str | None:
    try:
        return None if token is None else markers.read(token)
    except ValueError:
        raise errors.validation("Invalid NextToken") from None
