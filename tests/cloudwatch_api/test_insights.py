"""Contributor Insights: which keys of a table were used, and throttled, most."""

from typing import Any

import orjson
import pytest
from tests.cloudwatch_api.cloudwatch_kit import NOW, Refused, Watched, principal

from statordb.model.request import Reply, Request

MINUTE = int(NOW) // 60 * 60
INDEX = {
    "IndexName": "by-i",
    "KeySchema": [{"AttributeName": "i", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "ALL"},
}


@pytest.fixture
def table(watched: Watched) -> Watched:
    watched.ask(
        "CreateTable", TableName="things", BillingMode="PAY_PER_REQUEST", GlobalSecondaryIndexes=[INDEX],
        AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in ("p", "s", "i")],
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
    )  # fmt: skip
    return watched


def enable(watched: Watched, **given: Any) -> Any:
    answer = watched.ask("UpdateContributorInsights", TableName="things", ContributorInsightsAction="ENABLE", **given)
    watched.ask("GetItem", TableName="things", Key=key("none"))  # from then on the process knows of it
    return answer


def rules(watched: Watched, **given: Any) -> dict[str, str]:
    """Names of rules by what they tell: PKC and the like."""
    told = watched.ask("DescribeContributorInsights", TableName="things", **given)["ContributorInsightsRuleList"]
    return {name.split("-")[1]: name for name in told}


def key(p: str, s: str = "a") -> dict[str, Any]:
    return {"p": {"S": p}, "s": {"S": s}}


def report(watched: Watched, rule: str, **more: Any) -> Any:
    watched.flush()
    given = {"StartTime": MINUTE, "EndTime": MINUTE + 600, "Period": 60}
    return watched.call("GetInsightRuleReport", RuleName=rule, **{**given, **more})


def used(told: Any) -> dict[tuple[str, ...], float]:
    return {tuple(each["Keys"]): each["ApproximateAggregateValue"] for each in told["Contributors"]}


def test_the_keys_that_are_used_most(table: Watched) -> None:
    enable(table)
    for p, count in (("a", 5), ("b", 3)):
        for _ in range(count):
            table.ask("GetItem", TableName="things", Key=key(p))
    table.ask("PutItem", TableName="things", Item={**key("a", "z"), "i": {"S": "x"}})
    table.ask("BatchGetItem", RequestItems={"things": {"Keys": [key("b"), key("c")]}})
    table.ask("TransactWriteItems", TransactItems=[{"Delete": {"TableName": "things", "Key": key("c")}}])
    values = {":p": {"S": "a"}}
    table.ask("Query", TableName="things", KeyConditionExpression="p = :p", ExpressionAttributeValues=values)
    named = rules(table)
    told = report(table, named["PKC"])
    assert used(told) == {("a",): 7, ("b",): 4, ("c",): 2, ("none",): 1}
    assert (told["KeyLabels"], told["AggregateValue"], told["ApproximateUniqueCount"]) == (["p"], 14, 4)
    assert [point["ApproximateValue"] for point in told["Contributors"][0]["Datapoints"]] == [7]
    told = report(table, named["SKC"], MaxContributorCount=2, protocol="cbor")
    assert used(told) == {("a", "a"): 5, ("b", "a"): 4}
    assert told["KeyLabels"] == ["p", "s"]
    assert report(table, named["PKT"])["Contributors"] == []


def test_the_keys_of_an_index(table: Watched) -> None:
    enable(table, IndexName="by-i")
    for _ in range(2):
        table.ask("PutItem", TableName="things", Item={**key("a"), "i": {"S": "x"}})
    values = {":i": {"S": "x"}}
    table.ask(
        "Query", TableName="things", IndexName="by-i", KeyConditionExpression="i = :i", ExpressionAttributeValues=values
    )
    named = rules(table, IndexName="by-i")
    assert set(named) == {"PKC", "PKT"}
    assert used(report(table, named["PKC"])) == {("x",): 3}


def test_the_keys_that_are_throttled_most(table: Watched) -> None:
    enable(table, ContributorInsightsMode="THROTTLED_KEYS")
    for _ in range(3):
        request = Request("GetItem", b"", principal(None), "an-id")
        request.asked = {"TableName": "things", "Key": key("hot")}
        table.observing.observe(request, Reply(400, b"{}", "ProvisionedThroughputExceededException"), 0.001)
    named = rules(table)
    assert set(named) == {"PKT", "SKT"}
    assert used(report(table, named["SKT"])) == {("hot", "a"): 3}


def test_what_was_never_enabled_keeps_nothing(table: Watched) -> None:
    table.ask("GetItem", TableName="things", Key=key("a"))
    enable(table)
    table.ask("UpdateContributorInsights", TableName="things", ContributorInsightsAction="DISABLE")
    table.ask("GetItem", TableName="things", Key=key("b"))
    enable(table)
    assert used(report(table, rules(table)["PKC"])) == {("none",): 2}


def test_reports_add_up_what_processes_saw(table: Watched) -> None:
    enable(table)
    table.ask("GetItem", TableName="things", Key=key("a"))
    table.flush()
    table.store.insights._process = b"another"
    table.ask("GetItem", TableName="things", Key=key("a"))
    table.clock.advance(120)
    table.ask("GetItem", TableName="things", Key=key("a"))
    told = report(table, rules(table)["PKC"], Metrics=["Sum", "UniqueContributors", "Average"])
    # What the first process had seen is told by the other one too: they are one process here.
    assert len(told["Contributors"][0]["Datapoints"]) == 2
    last = told["MetricDatapoints"][-1]
    assert (last["Sum"], last["UniqueContributors"], last["Average"]) == (1, 1, 1)


def test_keys_are_forgotten_after_a_day(table: Watched) -> None:
    enable(table)
    table.clock.advance(24 * 3600 + 120)
    table.flush()
    table.run(table.store.insights.forget())
    since = MINUTE + 24 * 3600
    assert report(table, rules(table)["PKC"], StartTime=MINUTE, EndTime=since)["Contributors"] == []


def test_rules_are_described_and_gone_with_their_table(table: Watched) -> None:
    enable(table)
    names = sorted(rules(table).values())
    assert all(name.startswith("DynamoDBContributorInsights-") and len(name) <= 128 for name in names)
    told = table.call("DescribeInsightRules", MaxResults=3)
    rest = table.call("DescribeInsightRules", NextToken=told["NextToken"])
    assert [rule["Name"] for rule in told["InsightRules"] + rest["InsightRules"]] == names
    assert orjson.loads(told["InsightRules"][0]["Definition"])["Contribution"]["Keys"] == ["$.p"]
    table.ask("DeleteTable", TableName="things")
    assert table.call("DescribeInsightRules")["InsightRules"] == []
    given = {"StartTime": MINUTE, "EndTime": MINUTE + 60, "Period": 60}
    assert table.refused("GetInsightRuleReport", RuleName=names[0], **given).code == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"Period": 61}, "The parameter Period must be a multiple of 60."),
        ({"EndTime": MINUTE + 86_460}, "The time between StartTime and EndTime must be 24 hours or less."),
        ({"MaxContributorCount": 101}, "The parameter MaxContributorCount must be between 1 and 100."),
        ({"Metrics": ["P99"]}, "The value P99 for parameter Metrics is not supported."),
        ({"OrderBy": "P99"}, "The value P99 for parameter OrderBy is not supported."),
    ],
)
def test_bounds_of_reports(watched: Watched, given: dict[str, Any], text: str) -> None:
    asked = {"RuleName": "a", "StartTime": MINUTE, "EndTime": MINUTE + 60, "Period": 60, **given}
    assert watched.refused("GetInsightRuleReport", **asked).message == text


def test_the_life_of_insights(table: Watched) -> None:
    def ask(operation: str, **given: Any) -> Any:
        told = table.ask(operation, TableName="things", **given)
        return (
            told if isinstance(told, Refused) else {k.removeprefix("ContributorInsights"): v for k, v in told.items()}
        )

    assert ask("DescribeContributorInsights") == {"TableName": "things", "Status": "DISABLED"}
    disable = {"ContributorInsightsAction": "DISABLE"}
    assert ask("UpdateContributorInsights", **disable) == {"TableName": "things", "Status": "DISABLED"}
    mode = "ACCESSED_AND_THROTTLED_KEYS"
    enabling = {"TableName": "things", "Status": "ENABLING", "Mode": mode}
    assert ask("UpdateContributorInsights", ContributorInsightsAction="ENABLE") == enabling
    told = ask("DescribeContributorInsights")
    assert (told["Status"], told["Mode"], told["LastUpdateDateTime"]) == ("ENABLED", mode, NOW)
    assert len(told["RuleList"]) == 4
    enabled = {"TableName": "things", "Status": "ENABLED", "Mode": mode}
    assert ask("UpdateContributorInsights", ContributorInsightsAction="ENABLE") == enabled
    throttled = {"ContributorInsightsAction": "ENABLE", "ContributorInsightsMode": "THROTTLED_KEYS"}
    assert ask("UpdateContributorInsights", **throttled)["Mode"] == "THROTTLED_KEYS"
    assert len(ask("DescribeContributorInsights")["RuleList"]) == 2
    listed = table.ask("ListContributorInsights")["ContributorInsightsSummaries"]
    assert [each["TableName"] for each in listed] == ["things"]
    assert ask("UpdateContributorInsights", **disable)["Status"] == "DISABLING"
    assert ask("DescribeContributorInsights")["Status"] == "DISABLED"
    assert table.ask("ListContributorInsights") == {"ContributorInsightsSummaries": []}


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"TableName": "none"}, "ResourceNotFoundException"),
        ({"IndexName": "none"}, "ResourceNotFoundException"),
        ({"IndexName": ""}, "ValidationException"),
        ({"ContributorInsightsAction": "X"}, "ValidationException"),
    ],
)
def test_what_has_no_insights(table: Watched, given: dict[str, Any], code: str) -> None:
    asked = {"TableName": "things", "ContributorInsightsAction": "ENABLE", **given}
    refusal = table.ask("UpdateContributorInsights", **asked)
    assert isinstance(refusal, Refused)
    assert refusal.code == code


def test_more_rules_than_there_may_be_fail(table: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("statordb.commands.insights.RULES_MAX", 4)
    assert enable(table)["ContributorInsightsStatus"] == "ENABLING"
    assert enable(table, IndexName="by-i")["ContributorInsightsStatus"] == "FAILED"
    told = table.ask("DescribeContributorInsights", TableName="things", IndexName="by-i")
    assert told["FailureException"]["ExceptionName"] == "LimitExceededException"
    assert "ContributorInsightsRuleList" not in told
    listed = table.ask("ListContributorInsights", TableName="things")["ContributorInsightsSummaries"]
    assert [each["ContributorInsightsStatus"] for each in listed] == ["ENABLED", "FAILED"]
    table.ask("UpdateContributorInsights", TableName="things", ContributorInsightsAction="DISABLE")
    assert enable(table, IndexName="by-i")["ContributorInsightsStatus"] == "ENABLING"


def test_tables_are_listed_in_pages_that_may_be_empty(table: Watched) -> None:
    table.ask(
        "CreateTable", TableName="another", BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
    )  # fmt: skip
    enable(table)
    first = table.ask("ListContributorInsights", MaxResults=1)
    assert first["ContributorInsightsSummaries"] == []
    rest = table.ask("ListContributorInsights", MaxResults=1, NextToken=first["NextToken"])
    assert [each["TableName"] for each in rest["ContributorInsightsSummaries"]] == ["things"]
    assert "NextToken" not in rest
