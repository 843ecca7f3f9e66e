"""Contributor Insights as the API shows them."""

from typing import Any

from statordb.store.insights.insights import rules_of
from statordb.store.records import InsightRecord, TableRecord

_DISABLED = "DISABLED"


def shown(record: TableRecord, insight: InsightRecord | None, index: str, now: float) -> dict[str, Any]:
    """What all of the operations tell of a table, or an index of it."""
    told: dict[str, Any] = {"TableName": record.name}
    if index:
        told["IndexName"] = index
    told["ContributorInsightsStatus"] = _DISABLED if insight is None else insight.status_at(now)
    if insight is not None and told["ContributorInsightsStatus"] != _DISABLED:
        told["ContributorInsightsMode"] = insight.mode
    return told


def described(record: TableRecord, insight: InsightRecord | None, index: str, now: float) -> dict[str, Any]:
    """The answer of DescribeContributorInsights."""
    told = shown(record, insight, index, now)
    if insight is None:
        return told
    told["LastUpdateDateTime"] = insight.changed_at
    rules = rules_of(record, insight)
    if rules:
        told["ContributorInsightsRuleList"] = list(rules)
    if insight.failure:
        told["FailureException"] = {
            "ExceptionName": insight.failure,
            "ExceptionDescription": "The maximum number of Contributor Insights rules has been reached.",
        }
    return told
