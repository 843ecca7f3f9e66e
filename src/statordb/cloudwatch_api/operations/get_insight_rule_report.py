"""GetInsightRuleReport: the keys of a table or an index that were used most, or throttled most."""

import asyncio
from collections.abc import Mapping
from typing import Any

from statordb.cloudwatch_api import errors
from statordb.cloudwatch_api.context import Answer, Context, Request
from statordb.cloudwatch_api.insight_rules import Rule, arn, rules
from statordb.cloudwatch_api.times import span_of
from statordb.metering.series import TABLE, Subject

SPAN_SECONDS_MAX = 24 * 3600
CONTRIBUTORS, CONTRIBUTORS_MAX = 10, 100
METRICS = ("UniqueContributors", "MaxContributorValue", "SampleCount", "Sum", "Minimum", "Maximum", "Average")
SUM, MAXIMUM = "Sum", "Maximum"

Counts = dict[tuple[str, ...], int]


async def get_insight_rule_report(context: Context, request: Request) -> Answer:
    name = request["RuleName"]
    await context.demand(arn(context, name))
    period, since, until = _span(context, request)
    wanted, order = request.get("Metrics") or [], request.get("OrderBy") or SUM
    most = request.get("MaxContributorCount")
    most = CONTRIBUTORS if most is None else most
    for metric in wanted:
        if metric not in METRICS:
            raise errors.invalid_value(f"The value {metric} for parameter Metrics is not supported.")
    if order not in (SUM, MAXIMUM):
        raise errors.invalid_value(f"The value {order} for parameter OrderBy is not supported.")
    if not 1 <= most <= CONTRIBUTORS_MAX:
        raise errors.invalid_value(f"The parameter MaxContributorCount must be between 1 and {CONTRIBUTORS_MAX}.")
    rule = await _rule(context, name)
    counted, totals = await _counted(context, rule, since, until, period)
    by_key: dict[tuple[str, ...], dict[int, int]] = {}
    for start, counts in counted.items():
        for key, count in counts.items():
            by_key.setdefault(key, {})[start] = count
    fold = sum if order == SUM else max
    ranked = sorted(by_key.items(), key=lambda each: (-fold(each[1].values()), each[0]))
    return {
        "KeyLabels": rule.names,
        "AggregationStatistic": SUM,
        "AggregateValue": sum(totals.values()),
        "ApproximateUniqueCount": len(by_key),
        "Contributors": [
            {
                "Keys": list(key),
                "ApproximateAggregateValue": fold(told.values()),
                "Datapoints": [{"Timestamp": at, "ApproximateValue": count} for at, count in sorted(told.items())],
            }
            for key, told in ranked[:most]
        ],
        "MetricDatapoints": [_point(at, counted[at], totals[at], wanted) for at in sorted(counted)] if wanted else [],
    }


def _span(context: Context, request: Request) -> tuple[int, int, int]:
    period = request["Period"]
    if period % 60:
        raise errors.invalid_value("The parameter Period must be a multiple of 60.")
    since, until = span_of(context, request)
    if until - since > SPAN_SECONDS_MAX:
        raise errors.invalid_value("The time between StartTime and EndTime must be 24 hours or less.")
    return period, since, until


async def _rule(context: Context, name: str) -> Rule:
    async for rule in rules(context):
        if rule.name == name:
            return rule
    raise errors.not_found("insight rule", name)


async def _counted(
    context: Context, rule: Rule, since: int, until: int, period: int
) -> tuple[Mapping[int, Counts], Mapping[int, int]]:
    """How often each key was used in each period, and all of them were."""
    table = rule.table
    subject = Subject(table.account, table.region, TABLE, table.name, table.id)
    counted: dict[int, Counts] = {}
    totals: dict[int, int] = {}
    async for seen in context.store.insights.read(subject, rule.kind, since, until):
        start = since + (seen.start - since) // period * period
        counts = counted.setdefault(start, {})
        for key, count in seen.keys:
            counts[key] = counts.get(key, 0) + count
        totals[start] = totals.get(start, 0) + seen.total
        await asyncio.sleep(0)
    return counted, totals


def _point(at: int, counts: Counts, total: int, wanted: list[str]) -> dict[str, Any]:
    told = {
        "UniqueContributors": len(counts),
        "MaxContributorValue": max(counts.values()),
        "SampleCount": total,
        "Sum": total,
        "Minimum": min(counts.values()),
        "Maximum": max(counts.values()),
        "Average": total / len(counts),
    }
    return {"Timestamp": at, **{name: told[name] for name in wanted}}
