"""Every operation of CloudWatch's API states what it demands, before it looks anything up."""

import json
from typing import Any

import pytest
from tests.cloudwatch_api.cloudwatch_kit import ACCOUNT, REGION, Refused, Watched

from statordb.access.authority import USER, Authority
from statordb.access.document import compile_policy
from statordb.cloudwatch_api.operations import OPERATIONS

ADA = f"arn:aws:iam::{ACCOUNT}:user/ada"
ARN = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:a"
ALARM = {
    "AlarmName": "a",
    "Namespace": "AWS/DynamoDB",
    "MetricName": "UserErrors",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanThreshold",
}
METRIC = {"Namespace": "AWS/DynamoDB", "MetricName": "UserErrors"}
GIVEN: dict[str, dict[str, Any]] = {
    "DeleteAlarms": {"AlarmNames": ["a"]},
    "DescribeAlarmHistory": {},
    "DescribeAlarms": {},
    "DescribeAlarmsForMetric": METRIC,
    "DescribeInsightRules": {},
    "GetInsightRuleReport": {"RuleName": "a", "StartTime": 0, "EndTime": 60, "Period": 60},
    "DisableAlarmActions": {"AlarmNames": ["a"]},
    "EnableAlarmActions": {"AlarmNames": ["a"]},
    "GetMetricData": {"MetricDataQueries": [], "StartTime": 0, "EndTime": 60},
    "GetMetricStatistics": {**METRIC, "StartTime": 0, "EndTime": 60, "Period": 60, "Statistics": ["Sum"]},
    "ListMetrics": {},
    "ListTagsForResource": {"ResourceARN": ARN},
    "PutMetricAlarm": ALARM,
    "SetAlarmState": {"AlarmName": "a", "StateValue": "OK", "StateReason": ""},
    "TagResource": {"ResourceARN": ARN, "Tags": []},
    "UntagResource": {"ResourceARN": ARN, "TagKeys": []},
}


def user(action: str | None = None, resource: str = "*", **condition: Any) -> Authority:
    """A user with one policy, or with none."""
    allowed = {"Effect": "Allow", "Action": action, "Resource": resource, **condition}
    document = json.dumps({"Version": "2012-10-17", "Statement": allowed})
    policies = () if action is None else (compile_policy(document),)
    return Authority(USER, ADA, ACCOUNT, "AIDAX", "ada", policies)


def outcome(watched: Watched, operation: str, who: Authority) -> str:
    try:
        watched.call(operation, who, **GIVEN[operation])
    except Refused as refusal:
        return refusal.code
    return "done"


@pytest.mark.parametrize("operation", OPERATIONS)
def test_nobody_may_anything_without_a_policy(watched: Watched, operation: str) -> None:
    assert outcome(watched, operation, user()) == "AccessDenied"
    assert outcome(watched, operation, user(f"cloudwatch:{operation}x")) == "AccessDenied"
    assert outcome(watched, operation, user(f"cloudwatch:{operation}")) != "AccessDenied"


def test_a_refusal_names_who_wanted_what(watched: Watched) -> None:
    with pytest.raises(Refused) as caught:
        watched.call("DeleteAlarms", user(), protocol="cbor", AlarmNames=["a"])
    assert caught.value.status == 403
    assert caught.value.message.startswith(
        f"User: {ADA} is not authorized to perform: cloudwatch:DeleteAlarms on resource: {ARN}"
    )


def test_policies_may_name_alarms_and_their_tags(watched: Watched) -> None:
    watched.call("PutMetricAlarm", **{**ALARM, "Tags": [{"Key": "team", "Value": "green"}]})
    assert outcome(watched, "SetAlarmState", user("cloudwatch:SetAlarmState", ARN)) == "done"
    assert outcome(watched, "SetAlarmState", user("cloudwatch:SetAlarmState", ARN + "b")) == "AccessDenied"
    for team, code in (("green", "done"), ("red", "AccessDenied")):
        condition = {"StringEquals": {"aws:ResourceTag/team": team}}
        assert outcome(watched, "SetAlarmState", user("cloudwatch:*", Condition=condition)) == code


def test_what_conditions_ask_in_one_go_is_bounded(watched: Watched) -> None:
    """As it is in the other APIs that have no lanes: what is asked of one request is not cut, and holds up others."""
    watched.call("PutMetricAlarm", **{**ALARM, "Tags": [{"Key": "team", "Value": "green"}]})
    patterns = [f"*{at}*" for at in range(500)]
    denied = {
        "Effect": "Deny",
        "Action": "*",
        "Resource": "*",
        "Condition": {"StringLike": {"aws:ResourceTag/team": patterns}},
    }
    allowed = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    policy = compile_policy(json.dumps({"Version": "2012-10-17", "Statement": [allowed, denied]}))
    for count, code in ((40, "ValidationException"), (1, "done")):
        who = Authority(USER, ADA, ACCOUNT, "AIDAX", "ada", (policy,) * count)
        assert outcome(watched, "DeleteAlarms", who) == code
