"""Application Auto Scaling's API of a real server: signatures, restarts."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.pace import HANGS_SECONDS, PATIENT, SOAK, until
from tests.process import STATORDB, ServerProcess

from botocore.config import Config  # isort: skip

SCOPE = {
    "ServiceNamespace": "dynamodb",
    "ResourceId": "table/orders",
    "ScalableDimension": "dynamodb:table:WriteCapacityUnits",
}


def connect(service: str, url: str, key: str, secret: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}, **PATIENT),
    )


@pytest.mark.slow
def test_targets_of_a_server_that_checks_signatures_outlive_it(tmp_path: Path) -> None:
    command = [str(STATORDB), "credentials", "create", "--data", str(tmp_path), "--json"]
    made = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=HANGS_SECONDS).stdout)
    login = (made["AccessKeyId"], made["SecretAccessKey"])
    arguments = ("--data", str(tmp_path), "--auth", "iam", "--workers", "2", "--no-functions")
    with ServerProcess(*arguments) as server:
        tables = connect("dynamodb", server.url, *login)
        make_table(tables, 1)
        scaling = connect("application-autoscaling", server.url, *login)
        arn = scaling.register_scalable_target(**SCOPE, MinCapacity=4, MaxCapacity=9)["ScalableTargetARN"]
        units = tables.describe_table(TableName="orders")["Table"]["ProvisionedThroughput"]
        assert units["WriteCapacityUnits"] == 4
        with pytest.raises(ClientError, match="InvalidSignatureException"):
            connect("application-autoscaling", server.url, login[0], "another").describe_scalable_targets(
                ServiceNamespace="dynamodb"
            )
    with ServerProcess(*arguments) as server:
        scaling = connect("application-autoscaling", server.url, *login)
        (target,) = scaling.describe_scalable_targets(ServiceNamespace="dynamodb")["ScalableTargets"]
        assert (target["ScalableTargetARN"], target["MinCapacity"]) == (arn, 4)
        assert scaling.describe_scaling_activities(ServiceNamespace="dynamodb")["ScalingActivities"]


@pytest.mark.slow
def test_capacity_follows_the_load_of_all_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its minutes take a second. tests/keeper/test_scaling.py counts them; `make soak` waits for the way back too."""
    for name in ("METERING", "SCALING"):
        monkeypatch.setenv(f"STATORDB_{name}_MINUTE_SECONDS", "1")
    with ServerProcess("--memory", "--workers", "2", "--no-functions") as server:
        tables, scaling = (connect(name, server.url, "a", "b") for name in ("dynamodb", "application-autoscaling"))
        make_table(tables, 4)
        scaling.register_scalable_target(**SCOPE, MinCapacity=2, MaxCapacity=100)
        metric = {"PredefinedMetricType": "DynamoDBWriteCapacityUtilization"}
        told = {"TargetValue": 50, "PredefinedMetricSpecification": metric}
        made = scaling.put_scaling_policy(
            PolicyName="p",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=told,
            **SCOPE,
        )

        def set_to() -> int:
            units = tables.describe_table(TableName="orders")["Table"]["ProvisionedThroughput"]
            return int(units["WriteCapacityUnits"])

        def is_higher() -> bool:
            for number in range(10):
                tables.put_item(TableName="orders", Item={"p": {"S": str(number)}, "v": {"S": "x" * 2000}})
            return set_to() > 4

        until(is_higher, "there is more", every_seconds=0.1)
        watching = connect("cloudwatch", server.url, "a", "b")
        alarms = watching.describe_alarms(AlarmNamePrefix="TargetTracking-table/orders-")["MetricAlarms"]
        assert sorted(each["AlarmName"] for each in alarms) == sorted(each["AlarmName"] for each in made["Alarms"])
        assert {each["AlarmActions"][0] for each in alarms} == {made["PolicyARN"]}
        first = scaling.describe_scaling_activities(**SCOPE)["ScalingActivities"][-1]
        assert "-AlarmHigh-" in first["Cause"]
        assert first["StatusCode"] == "Successful"
        assert 4 < int(first["Description"].removeprefix("Setting write capacity units to ").rstrip(".")) <= 100
        if SOAK in os.environ:
            until(lambda: set_to() == 2, "an idle table comes down", every_seconds=0.2)
            last = scaling.describe_scaling_activities(**SCOPE)["ScalingActivities"][0]
            assert "-AlarmLow-" in last["Cause"]
            assert last["Description"] == "Setting write capacity units to 2."


def make_table(tables: Any, writes: int) -> None:
    tables.create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": writes},
    )
