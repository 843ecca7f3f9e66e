"""Permitted requests that would take all memory, or the loop, and pages of answers that could not come to an end."""

import base64
import sys
from typing import Any

import pytest
from tests.cloudwatch_api.cloudwatch_kit import NOW, Watched

from statordb.cloudwatch_api.operations import OPERATIONS
from statordb.metering.metric_math import Scope, Series
from statordb.metering.metric_queries import BadQuery
from statordb.store import metric_values, metrics

DAY = 86_400
NOWHERE = {"Namespace": "AWS/DynamoDB", "MetricName": "ConsumedReadCapacityUnits"}


def metric(id: str, name: str = "AccountMaxReads", period: int = 3600, **more: Any) -> dict[str, Any]:
    stat = {"Metric": {**NOWHERE, "MetricName": name}, "Period": period, "Stat": "Maximum"}
    return {"Id": id, "MetricStat": stat, **more}


def data(watched: Watched, queries: list[dict[str, Any]], days: float, **more: Any) -> dict[str, Any]:
    span = {"StartTime": NOW - days * DAY, "EndTime": NOW}
    found: dict[str, Any] = watched.call("GetMetricData", MetricDataQueries=queries, **{**span, **more})
    return found


def test_a_number_stands_for_itself_at_as_many_moments_as_are_told_only(watched: Watched) -> None:
    """Else these were four billion, which are made before the first of them is told."""
    queries = [metric("m", period=DAY * 10_000, ReturnData=False), {"Id": "e", "Expression": "SUM(m)", "Period": 1}]
    for until in (NOW, 4_102_444_800):
        found = data(watched, queries, 400, EndTime=until, MaxDatapoints=3)
        assert len(found["MetricDataResults"][0]["Values"]) == 3
        assert found["NextToken"]


def test_what_fill_makes_counts_as_work(watched: Watched) -> None:
    """Also of metrics that have no datapoints: 400 of them over nine years of minutes are two billion."""
    queries = [metric(f"m{at}", "ConsumedReadCapacityUnits", 60, ReturnData=False) for at in range(400)]
    filled = {"Id": "e", "Expression": "FILL(METRICS(), 0)"}
    for days in (2, 3500):
        assert watched.refused(
            "GetMetricData", MetricDataQueries=[*queries, filled], StartTime=NOW - days * DAY, EndTime=NOW
        ).code == "ValidationError"  # fmt: skip
    few = data(watched, [*queries[:20], filled], 0.1)
    assert {len(each["Values"]) for each in few["MetricDataResults"]} == {145}


def test_what_fill_makes_is_bounded_before_it_is_made(watched: Watched) -> None:
    scope = Scope({"m": [Series({}, 60)] * 3}, [], range(0, 600, 60))
    assert metric_values._filled("FILL(m, 0)", scope) == 3 * 10 * 2 * metric_values.FILLING
    assert metric_values._filled("SUM(m)", scope) == 0
    with pytest.raises(BadQuery):
        metric_values._filled("FILL(m, 0)", scope._replace(moments=range(metric_values.MOMENTS_MAX + 1)))


def test_pages_go_over_all_series_of_a_query(watched: Watched) -> None:
    """A list of series was told by its first ones again and again, to whoever follows the token."""
    queries = [metric(f"m{at}", ReturnData=False) for at in range(3)] + [{"Id": "all", "Expression": "METRICS()"}]
    whole = data(watched, queries, 0.25)["MetricDataResults"]
    assert [len(each["Values"]) for each in whole] == [6, 6, 6]
    for limit in (4, 6, 7):
        told: dict[str, list[float]] = {}
        token: dict[str, str] = {}
        for _ in range(10):
            page = data(watched, queries, 0.25, MaxDatapoints=limit, **token)
            assert sum(len(each["Values"]) for each in page["MetricDataResults"]) <= limit
            for each in page["MetricDataResults"]:
                told.setdefault(each["Label"], []).extend(each["Timestamps"])
            if not page.get("NextToken"):
                break
            token = {"NextToken": page["NextToken"]}
        assert told == {each["Label"]: each["Timestamps"] for each in whole}


def test_a_call_reads_so_much_and_the_next_one_goes_on(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """500 queries of 455 days are 20 million rows."""
    queries = [metric(f"m{at}") for at in range(8)]
    whole = data(watched, queries, 0.25)["MetricDataResults"]
    monkeypatch.setattr(metrics, "READ_MAX", 150)  # a query reads 72 samples, and has 6 datapoints
    told: list[dict[str, Any]] = []
    token: dict[str, str] = {}
    for _ in range(4):
        page = data(watched, queries, 0.25, **token)
        told += page["MetricDataResults"]
        token = {"NextToken": page["NextToken"]} if page.get("NextToken") else {}
    assert not token
    assert told == whole


def test_what_can_not_be_read_for_one_call_is_refused(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    queries = [metric(f"m{at}", ReturnData=False) for at in range(8)] + [{"Id": "all", "Expression": "SUM(METRICS())"}]
    monkeypatch.setattr(metrics, "READ_MAX", 150)
    span = {"StartTime": NOW - DAY / 4, "EndTime": NOW}
    assert "less of the time" in watched.refused("GetMetricData", MetricDataQueries=queries, **span).message
    one = {**NOWHERE, "MetricName": "AccountMaxReads", "Period": 3600, "Statistics": ["Sum"]}
    assert watched.call("GetMetricStatistics", **one, **span)["Datapoints"]
    refused = watched.refused("GetMetricStatistics", **one, **{**span, "StartTime": NOW - DAY})
    assert refused.code == "InvalidParameterCombination"


def test_alarms_of_one_metric_are_told_up_to_a_bound(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        watched.call(
            "PutMetricAlarm", AlarmName=f"a{number}", **NOWHERE, Period=60, Statistic="Sum", EvaluationPeriods=1,
            Threshold=1.0, ComparisonOperator="GreaterThanThreshold",
        )  # fmt: skip
    assert len(watched.call("DescribeAlarmsForMetric", **NOWHERE)["MetricAlarms"]) == 4
    monkeypatch.setattr(sys.modules[OPERATIONS["DescribeAlarmsForMetric"].__module__], "ALARMS_MAX", 3)
    told = watched.call("DescribeAlarmsForMetric", **NOWHERE)["MetricAlarms"]
    assert [each["AlarmName"] for each in told] == ["a0", "a1", "a2"]


def test_the_period_of_an_expression_is_one(watched: Watched) -> None:
    query = {"Id": "e", "Expression": "1", "Period": 7}
    refused = watched.refused("GetMetricData", MetricDataQueries=[query], StartTime=NOW - 60, EndTime=NOW)
    assert "Period" in refused.message


@pytest.mark.parametrize("place", ["", "a/b/c", "0/0", "-1/0/0", "²/0/0", "0/0/" + "9" * 5000])
def test_a_token_that_somebody_made_up_is_refused(watched: Watched, place: str, monkeypatch: Any) -> None:
    """Its digest is no secret."""
    monkeypatch.setattr("statordb.cloudwatch_api.pages._digest", lambda *_: b"d" * 16)
    token = base64.urlsafe_b64encode(b"d" * 16 + place.encode()).decode()
    refused = watched.refused(
        "GetMetricData", MetricDataQueries=[metric("m")], StartTime=NOW - 60, EndTime=NOW, NextToken=token
    )
    assert refused.code == "InvalidNextToken"
    if "/" in place and place[0] == "²":
        assert watched.refused("ListMetrics", NextToken=token).code == "InvalidNextToken"


def test_data_of_a_state_that_nobody_could_write_again_is_refused(watched: Watched) -> None:
    """JSON is read to a greater depth than it is written."""
    watched.call(
        "PutMetricAlarm", AlarmName="a", **NOWHERE, Period=60, Statistic="Sum", EvaluationPeriods=1, Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    state = {"AlarmName": "a", "StateValue": "ALARM", "StateReason": "r"}
    refused = watched.refused("SetAlarmState", **state, StateReasonData="[" * 1000 + "]" * 1000)
    assert refused.code == "InvalidFormat"
    watched.call("SetAlarmState", **state, StateReasonData="[" * 200 + "]" * 200)
    watched.call("SetAlarmState", **{**state, "StateValue": "OK"}, StateReasonData="{}")
    assert watched.call("DescribeAlarmHistory")["AlarmHistoryItems"]
