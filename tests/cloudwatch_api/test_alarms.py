"""Alarms by the API, in each of its protocols."""

from typing import Any

import pytest
from tests.cloudwatch_api.cloudwatch_kit import ACCOUNT, NOW, PROTOCOLS, REGION, Watched

ALARM: dict[str, Any] = {
    "AlarmName": "reads",
    "Namespace": "AWS/DynamoDB",
    "MetricName": "ConsumedReadCapacityUnits",
    "Dimensions": [{"Name": "TableName", "Value": "abc"}],
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 3,
    "DatapointsToAlarm": 2,
    "Threshold": 5.5,
    "ComparisonOperator": "GreaterThanThreshold",
}
ARN = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:reads"


def names(answer: dict[str, Any]) -> list[str]:
    return [alarm["AlarmName"] for alarm in answer["MetricAlarms"]]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_life_of_an_alarm(watched: Watched, protocol: str) -> None:
    def call(operation: str, **given: Any) -> Any:
        return watched.call(operation, protocol=protocol, **given)

    call("PutMetricAlarm", **ALARM, AlarmDescription="a < b & \u00fc", Tags=[{"Key": "team", "Value": "green"}])
    (alarm,) = call("DescribeAlarms", AlarmNames=["reads", "none"])["MetricAlarms"]
    assert {name: alarm[name] for name in ALARM} == ALARM
    assert alarm["AlarmArn"] == ARN
    assert alarm["AlarmDescription"] == "a < b & \u00fc"
    assert (alarm["StateValue"], alarm["ActionsEnabled"]) == ("INSUFFICIENT_DATA", True)
    assert alarm["AlarmConfigurationUpdatedTimestamp"].timestamp() == NOW
    watched.clock.advance(2)
    call("SetAlarmState", AlarmName="reads", StateValue="ALARM", StateReason="a test", StateReasonData='{"a": 1}')
    watched.clock.advance(2)
    call("DisableAlarmActions", AlarmNames=["reads", "none"])
    (alarm,) = call("DescribeAlarms", StateValue="ALARM")["MetricAlarms"]
    assert (alarm["StateReason"], alarm["StateReasonData"], alarm["ActionsEnabled"]) == ("a test", '{"a": 1}', False)
    assert alarm["StateUpdatedTimestamp"].timestamp() == NOW + 2
    call("EnableAlarmActions", AlarmNames=["reads"])
    assert call("DescribeAlarms", StateValue="OK")["MetricAlarms"] == []
    watched.clock.advance(2)
    call("DeleteAlarms", AlarmNames=["reads", "none"])
    assert call("DescribeAlarms")["MetricAlarms"] == []
    told = call("DescribeAlarmHistory", AlarmName="reads", ScanBy="TimestampAscending")["AlarmHistoryItems"]
    assert [each["HistoryItemType"] for each in told] == [
        "ConfigurationUpdate",
        "StateUpdate",
        "ConfigurationUpdate",
        "ConfigurationUpdate",
    ]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_refusals_have_the_same_code_in_each_protocol(watched: Watched, protocol: str) -> None:
    refusal = watched.refused("SetAlarmState", protocol=protocol, AlarmName="no", StateValue="OK", StateReason="")
    assert (refusal.code, refusal.status) == ("ResourceNotFound", 404)
    refusal = watched.refused("PutMetricAlarm", protocol=protocol, **{**ALARM, "Statistic": "Mean"})
    assert (refusal.code, refusal.status) == ("ValidationError", 400)
    assert refusal.message == (
        "1 validation error detected: Value 'Mean' at 'statistic' failed to satisfy constraint: Member must satisfy "
        "enum value set: [SampleCount, Average, Sum, Minimum, Maximum]"
    )
    assert watched.refused("PutMetricData", protocol=protocol, Namespace="own", MetricData=[]).code == "NotImplemented"
    assert watched.refused("GetDashboard", protocol=protocol, DashboardName="a").code == "NotImplemented"


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"Period": 61}, "ValidationError", "Invalid Period value. Valid periods are 10, 20, 30 and multiples of 60."),
        (
            {"DatapointsToAlarm": 4},
            "ValidationError",
            "DatapointsToAlarm must be less than or equal to EvaluationPeriods.",
        ),
        (
            {"EvaluationPeriods": 1441},
            "ValidationError",
            "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400).",
        ),
        ({"TreatMissingData": "no"}, "ValidationError", "Option no is not supported for TreatMissingData."),
        ({"AlarmActions": ["x"]}, "ValidationError", "Invalid arn syntax: x"),
        ({"Threshold": None}, "MissingParameter", "The parameter Threshold is required."),
        ({"MetricName": None}, "MissingParameter", "The parameter MetricName is required."),
        (
            {"ExtendedStatistic": "p99"},
            "InvalidParameterCombination",
            "One and only one of Statistic and ExtendedStatistic must be given.",
        ),
        (
            {"Statistic": None, "ExtendedStatistic": "p101"},
            "ValidationError",
            "The value p101 for parameter ExtendedStatistic is not supported.",
        ),
        (
            {"ThresholdMetricId": "a"},
            "ValidationError",
            "ThresholdMetricId is not supported by this server.",
        ),
        (
            {"Tags": [{"Key": "aws:x", "Value": ""}]},
            "InvalidParameterValue",
            "Tag keys starting with aws: are reserved for system use.",
        ),
    ],
)
def test_what_no_alarm_can_be(watched: Watched, changes: dict[str, Any], code: str, text: str) -> None:
    given = {name: value for name, value in {**ALARM, **changes}.items() if value is not None}
    refusal = watched.refused("PutMetricAlarm", **given)
    assert (refusal.code, refusal.message) == (code, text)


def test_an_alarm_may_watch_an_expression(watched: Watched) -> None:
    metric = {"Namespace": "AWS/DynamoDB", "MetricName": "ConsumedReadCapacityUnits", "Dimensions": ALARM["Dimensions"]}
    queries = [
        {"Id": "m1", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, "ReturnData": False},
        {"Id": "rate", "Expression": "m1 / PERIOD(m1)", "Label": "a second", "ReturnData": True},
    ]
    given = {name: ALARM[name] for name in ("AlarmName", "EvaluationPeriods", "Threshold", "ComparisonOperator")}
    watched.call("PutMetricAlarm", **given, Metrics=queries)
    (alarm,) = watched.call("DescribeAlarms", protocol="cbor")["MetricAlarms"]
    assert alarm["Metrics"] == queries
    assert "Period" not in alarm
    unknown = [queries[0], {**queries[1], "Expression": "m2 + 1"}]
    refusal = watched.refused("PutMetricAlarm", **given, Metrics=unknown)
    assert refusal.message == "Error in expression 'rate': m2 is no id of a query."


def test_alarms_are_listed_page_by_page(watched: Watched) -> None:
    for name in ("a1", "b", "a2", "a3"):
        watched.call("PutMetricAlarm", **{**ALARM, "AlarmName": name, "AlarmActions": [f"arn:aws:sns:::{name}"]})
    first = watched.call("DescribeAlarms", AlarmNamePrefix="a", MaxRecords=2)
    assert names(first) == ["a1", "a2"]
    rest = watched.call("DescribeAlarms", AlarmNamePrefix="a", MaxRecords=2, NextToken=first["NextToken"])
    assert (names(rest), rest.get("NextToken")) == (["a3"], None)
    assert names(watched.call("DescribeAlarms", ActionPrefix="arn:aws:sns:::a2")) == ["a2"]
    assert names(watched.call("DescribeAlarms", AlarmTypes=["CompositeAlarm"])) == []
    for token in ("nonsense", first["NextToken"]):
        assert watched.refused("DescribeAlarms", MaxRecords=2, NextToken=token).code == "InvalidNextToken"
    told = watched.call("DescribeAlarmHistory", MaxRecords=2)
    assert len(told["AlarmHistoryItems"]) <= 2


def test_the_alarms_of_a_metric(watched: Watched) -> None:
    watched.call("PutMetricAlarm", **ALARM)
    of = {name: ALARM[name] for name in ("Namespace", "MetricName", "Dimensions")}
    assert names(watched.call("DescribeAlarmsForMetric", **of)) == ["reads"]
    assert names(watched.call("DescribeAlarmsForMetric", **of, Statistic="Average")) == []
    assert names(watched.call("DescribeAlarmsForMetric", **{**of, "Dimensions": []})) == []


def test_tags_of_alarms(watched: Watched) -> None:
    watched.call("PutMetricAlarm", **ALARM, Tags=[{"Key": "a", "Value": "1"}])
    watched.call("TagResource", ResourceARN=ARN, Tags=[{"Key": "b", "Value": "2"}])
    watched.call("UntagResource", ResourceARN=ARN, TagKeys=["a"])
    assert watched.call("ListTagsForResource", ResourceARN=ARN)["Tags"] == [{"Key": "b", "Value": "2"}]
    many = [{"Key": f"k{number}", "Value": ""} for number in range(50)]
    assert watched.refused("TagResource", ResourceARN=ARN, Tags=many).code == "InvalidParameterValue"
    assert watched.refused("TagResource", ResourceARN=ARN + "x", Tags=many[:1]).code == "ResourceNotFoundException"
    assert watched.refused("ListTagsForResource", ResourceARN="abc").code == "InvalidParameterValue"
