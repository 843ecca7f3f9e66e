"""The keeper evaluates CloudWatch's alarms by what the ledger has."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.cloudwatch_api.cloudwatch_kit import Watched

from statordb.keeper.alarms import Alarms
from statordb.metering.series import Series, Subject
from statordb.store.alarms.records import AlarmName

ACCOUNT = Subject("000000000000", "us-east-1", "account")
NAME = AlarmName("000000000000", "us-east-1", "errors")
SNS = "arn:aws:sns:us-east-1:000000000000:oncall"


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    made = Watched(tmp_path)
    made.clock.advance(40)  # a minute begins
    yield made
    made.close()


def alarm(watched: Watched, **changes: Any) -> None:
    given: dict[str, Any] = {
        "AlarmName": "errors", "Namespace": "AWS/DynamoDB", "MetricName": "UserErrors", "Statistic": "Sum",
        "Period": 60, "EvaluationPeriods": 2, "DatapointsToAlarm": 2, "Threshold": 5.0,
        "ComparisonOperator": "GreaterThanThreshold", "AlarmActions": [SNS], **changes,
    }  # fmt: skip
    watched.call("PutMetricAlarm", **given)


def minute(watched: Watched, errors: float) -> str:
    """A minute with so many errors passes, and the keeper looks; what the alarm is then."""
    if errors:
        watched.store.taps.of(ACCOUNT).add(Series("UserErrors"), errors)
    watched.flush()
    watched.clock.advance(60)
    return look(watched)


def look(watched: Watched) -> str:
    watched.clock.advance(20)  # until all have written what they counted
    duty = Alarms(watched.store)
    while watched.run(duty.run_once()):
        pass
    watched.clock.advance(-20)
    found = watched.run(watched.store.alarms.find(NAME))
    return str(found.state)


def test_two_bad_minutes_of_two_are_an_alarm(watched: Watched) -> None:
    alarm(watched, TreatMissingData="notBreaching")
    assert minute(watched, 9) == "INSUFFICIENT_DATA"  # alarms of AWS/DynamoDB ignore what is missing, whatever they say
    assert minute(watched, 9) == "ALARM"


def test_a_day_of_an_alarm(watched: Watched) -> None:
    alarm(watched)
    seen = [minute(watched, errors) for errors in (0, 1, 9, 9, 9, 1, 1)]
    assert seen == ["INSUFFICIENT_DATA", "OK", "OK", "ALARM", "ALARM", "OK", "OK"]
    (shown,) = watched.call("DescribeAlarms", AlarmNames=["errors"])["MetricAlarms"]
    assert shown["StateReason"].startswith("Threshold Crossed: 1 out of the last 2 datapoints [1.0 (")
    assert '"statistic":"Sum","period":60,"recentDatapoints":[9.0,1.0],"threshold":5.0' in shown["StateReasonData"]
    told = watched.call("DescribeAlarmHistory", AlarmName="errors", ScanBy="TimestampAscending")["AlarmHistoryItems"]
    assert [(each["HistoryItemType"], each["HistorySummary"]) for each in told] == [
        ("ConfigurationUpdate", 'Alarm "errors" created'),
        ("StateUpdate", "Alarm updated from INSUFFICIENT_DATA to OK"),
        ("StateUpdate", "Alarm updated from OK to ALARM"),
        ("Action", "Failed to execute 1 action"),
        ("StateUpdate", "Alarm updated from ALARM to OK"),
    ]


def test_an_alarm_of_an_expression(watched: Watched) -> None:
    metric = {"Namespace": "AWS/DynamoDB", "MetricName": "UserErrors"}
    queries = [
        {"Id": "m1", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, "ReturnData": False},
        {"Id": "e1", "Expression": "m1 * 10"},
    ]
    watched.call(
        "PutMetricAlarm", AlarmName="errors", Metrics=queries, EvaluationPeriods=1, Threshold=50.0,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
    )  # fmt: skip
    assert [minute(watched, errors) for errors in (4, 5)] == ["OK", "ALARM"]


def test_what_somebody_else_judges_is_left_to_them(watched: Watched) -> None:
    alarm(watched)
    record = watched.run(watched.store.alarms.find(NAME))
    watched.run(watched.store.alarms.put(replace(record, owner="scaling")))
    assert [minute(watched, 9) for _ in range(3)] == ["INSUFFICIENT_DATA"] * 3


def test_a_state_that_was_set_holds_until_the_next_look(watched: Watched) -> None:
    alarm(watched)
    minute(watched, 1)
    watched.call("SetAlarmState", AlarmName="errors", StateValue="ALARM", StateReason="a test")
    assert minute(watched, 1) == "OK"
