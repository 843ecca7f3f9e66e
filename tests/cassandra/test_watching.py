"""CloudWatch, Application Auto Scaling and Contributor Insights of two servers on a cluster, by boto3.

What one server does is asked of the other. Minutes take two seconds, so that figures and alarms come soon; a period of
an answer is as long as ever.
"""

import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.cassandra import patient
from tests.pace import PATIENT, until
from tests.process import ServerProcess

from statordb.crypto.file_keys import FILE_NAME

pytestmark = pytest.mark.slow  # real processes

Clients = Mapping[str, Any]
MINUTE_SECONDS = 2
SCOPE = {
    "ServiceNamespace": "dynamodb",
    "ResourceId": "table/watched",
    "ScalableDimension": "dynamodb:table:WriteCapacityUnits",
}
WRITES = {
    "Namespace": "AWS/DynamoDB",
    "MetricName": "ConsumedWriteCapacityUnits",
    "Dimensions": [{"Name": "TableName", "Value": "watched"}],
}


def connect(url: str) -> Clients:
    """Clients of one server."""
    config = Config(retries={"total_max_attempts": 1}, **PATIENT)
    names = ("dynamodb", "cloudwatch", "application-autoscaling")
    return {name: boto3.client(name, endpoint_url=url, region_name="us-east-1", config=config) for name in names}


@pytest.fixture(scope="module")
def servers(cassandra_hosts: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Clients]]:
    place = ["--engine", "cassandra", "--cassandra", ",".join(cassandra_hosts), "--datacenter", "dc1"]
    place += ["--keyspace", f"sd_watching_{os.getpid()}_{secrets.token_hex(2)}", "--workers", "1", "--no-functions"]
    first, second = (tmp_path_factory.mktemp(name) for name in ("first", "second"))
    settings = first / "settings.toml"
    settings.write_text("".join(f"{of}_minute_seconds = {MINUTE_SECONDS}\n" for of in ("metering", "scaling")))
    place += ["--config", str(settings)]
    started: list[ServerProcess] = []
    try:
        started.append(ServerProcess("--data", str(first), *place, command=(*patient.COMMAND, patient.ALONE)))
        shutil.copy(first / FILE_NAME, second)
        started.append(ServerProcess("--data", str(second), *place, command=(*patient.COMMAND, patient.ALONE)))
        yield [connect(server.url) for server in started]
    finally:
        for server in started:
            server.stop()


@pytest.fixture(scope="module")
def table(servers: list[Clients]) -> Iterator[str]:
    """A provisioned table, whose keys both servers look at."""
    tables = servers[0]["dynamodb"]
    tables.create_table(
        TableName="watched",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        ProvisionedThroughput={"ReadCapacityUnits": 2, "WriteCapacityUnits": 2},
    )
    tables.get_waiter("table_exists").wait(TableName="watched")
    yield "watched"
    tables.delete_table(TableName="watched")


def written(servers: list[Clients], count: int) -> float:
    """Write units that puts to all servers took."""
    used = 0.0
    for number in range(count):
        put = {"TableName": "watched", "Item": {"p": {"S": f"p{number % 3}"}}, "ReturnConsumedCapacity": "TOTAL"}
        used += servers[number % len(servers)]["dynamodb"].put_item(**put)["ConsumedCapacity"]["CapacityUnits"]
    return used


def test_metrics_tell_what_both_servers_did(servers: list[Clients], table: str) -> None:
    used, since = written(servers, 8), time.time() - 3600
    span = {"StartTime": since, "EndTime": since + 2 * 3600}
    first, second = (clients["cloudwatch"] for clients in servers)

    def told() -> float:
        points = second.get_metric_statistics(**WRITES, **span, Period=60, Statistics=["Sum"])["Datapoints"]
        return float(sum(point["Sum"] for point in points))

    until(lambda: told() == used, "what was written is told", every_seconds=0.2)
    stat = {"Metric": WRITES, "Period": 60, "Stat": "Sum"}
    data = first.get_metric_data(
        MetricDataQueries=[{"Id": "a", "MetricStat": stat, "ReturnData": False}, {"Id": "b", "Expression": "a * 2"}],
        **span,
    )
    (doubled,) = data["MetricDataResults"]
    assert (doubled["StatusCode"], sum(doubled["Values"])) == ("Complete", 2 * used)
    listed = second.list_metrics(Namespace="AWS/DynamoDB", Dimensions=[{"Name": "TableName", "Value": table}])
    assert {"ConsumedWriteCapacityUnits", "SuccessfulRequestLatency"} <= {
        each["MetricName"] for each in listed["Metrics"]
    }


def test_the_life_of_an_alarm(servers: list[Clients], table: str) -> None:
    first, second = (clients["cloudwatch"] for clients in servers)
    first.put_metric_alarm(
        AlarmName="busy", **WRITES, Statistic="Sum", Period=60, EvaluationPeriods=1, Threshold=0.5,
        ComparisonOperator="GreaterThanThreshold", TreatMissingData="notBreaching",
    )  # fmt: skip

    def state() -> str:
        (alarm,) = second.describe_alarms(AlarmNames=["busy"])["MetricAlarms"]
        return str(alarm["StateValue"])

    written(servers, 2)
    until(lambda: state() == "ALARM", "it is judged by what is written", every_seconds=0.2)
    second.set_alarm_state(AlarmName="busy", StateValue="INSUFFICIENT_DATA", StateReason="a test")
    history = first.describe_alarm_history(AlarmName="busy", HistoryItemType="StateUpdate")["AlarmHistoryItems"]
    assert any("INSUFFICIENT_DATA" in each["HistorySummary"] for each in history)
    (found,) = first.describe_alarms_for_metric(**WRITES)["MetricAlarms"][:1]
    assert found["MetricName"] == WRITES["MetricName"]
    second.delete_alarms(AlarmNames=["busy"])
    assert first.describe_alarms(AlarmNames=["busy"])["MetricAlarms"] == []
    with pytest.raises(ClientError, match="ResourceNotFound"):
        second.set_alarm_state(AlarmName="busy", StateValue="OK", StateReason="")


def test_capacity_follows_bounds_and_load(servers: list[Clients], table: str) -> None:
    first, second = (clients["application-autoscaling"] for clients in servers)
    arn = first.register_scalable_target(**SCOPE, MinCapacity=3, MaxCapacity=40)["ScalableTargetARN"]

    def units() -> int:
        told = servers[1]["dynamodb"].describe_table(TableName=table)["Table"]["ProvisionedThroughput"]
        return int(told["WriteCapacityUnits"])

    until(lambda: units() == 3, "it has its least")
    metric = {"PredefinedMetricType": "DynamoDBWriteCapacityUtilization"}
    told = {"TargetValue": 20.0, "PredefinedMetricSpecification": metric}
    second.put_scaling_policy(
        **SCOPE,
        PolicyName="p",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=told,
    )
    (target,) = second.describe_scalable_targets(ServiceNamespace="dynamodb")["ScalableTargets"]
    assert (target["ScalableTargetARN"], target["MinCapacity"]) == (arn, 3)

    def follows() -> bool:
        written(servers, 4)
        return units() > 3

    until(follows, "it follows its load")

    def causes() -> list[str]:
        return [each["Cause"] for each in first.describe_scaling_activities(**SCOPE)["ScalingActivities"]]

    until(lambda: any("AlarmHigh" in each for each in causes()), "an activity tells why")  # once the units are there
    assert len(servers[0]["cloudwatch"].describe_alarms(AlarmNamePrefix="TargetTracking")["MetricAlarms"]) == 4
    first.put_scheduled_action(**SCOPE, ScheduledActionName="soon", Schedule="rate(1 day)",
                               ScalableTargetAction={"MinCapacity": 3})  # fmt: skip
    assert second.describe_scheduled_actions(**SCOPE)["ScheduledActions"]
    second.delete_scheduled_action(**SCOPE, ScheduledActionName="soon")
    second.delete_scaling_policy(**SCOPE, PolicyName="p")
    second.deregister_scalable_target(**SCOPE)
    assert first.describe_scalable_targets(ServiceNamespace="dynamodb")["ScalableTargets"] == []


def test_keys_that_both_servers_saw_are_in_the_report(servers: list[Clients], table: str) -> None:
    servers[0]["dynamodb"].update_contributor_insights(TableName=table, ContributorInsightsAction="ENABLE")
    described = servers[1]["dynamodb"].describe_contributor_insights(TableName=table)
    assert described["ContributorInsightsStatus"] in ("ENABLING", "ENABLED")
    rules = servers[1]["cloudwatch"].describe_insight_rules()["InsightRules"]
    (rule,) = (each["Name"] for each in rules if each["Name"].startswith("DynamoDBContributorInsights-PKC-"))

    def seen() -> dict[str, float]:
        written(servers, 6)
        now = time.time()
        report = servers[1]["cloudwatch"].get_insight_rule_report(
            RuleName=rule, StartTime=now - 3600, EndTime=now + 60, Period=60
        )
        return {each["Keys"][0]: each["ApproximateAggregateValue"] for each in report["Contributors"]}

    until(lambda: len(seen()) == 3, "all keys are told", every_seconds=0.5)
    servers[1]["dynamodb"].update_contributor_insights(TableName=table, ContributorInsightsAction="DISABLE")
