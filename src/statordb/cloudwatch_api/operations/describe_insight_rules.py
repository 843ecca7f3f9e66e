"""DescribeInsightRules."""

from typing import Any

import orjson

from statordb.cloudwatch_api import pages
from statordb.cloudwatch_api.context import Answer, Context, Request
from statordb.cloudwatch_api.insight_rules import Rule, rules

RESULTS_MAX = 500


async def describe_insight_rules(context: Context, request: Request) -> Answer:
    await context.demand()
    subject = ("DescribeInsightRules",)
    after = pages.read(context, subject, request.get("NextToken"))
    limit = request.get("MaxResults") or RESULTS_MAX
    found = sorted([rule async for rule in rules(context)], key=lambda rule: rule.name)  # at most 100 there are
    rest = [rule for rule in found if after is None or rule.name > after]
    page = rest[:limit]
    token = pages.write(context, subject, page[-1].name) if len(rest) > limit else None
    return {"InsightRules": [_shown(rule) for rule in page], "NextToken": token}


def _shown(rule: Rule) -> dict[str, Any]:
    schema = {"Name": "ServiceLogRule", "Version": 1}
    contribution = {"Keys": [f"$.{name}" for name in rule.names], "Filters": []}
    definition = {"Schema": schema, "AggregateOn": "Count", "Contribution": contribution}
    text = orjson.dumps(definition).decode()
    return {
        "Name": rule.name,
        "State": "ENABLED",
        "Schema": orjson.dumps(schema).decode(),
        "Definition": text if text.isascii() else orjson.dumps({"Schema": schema}).decode(),
        "ManagedRule": True,
    }
