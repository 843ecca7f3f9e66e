"""Application Auto Scaling's API of a real server: signatures, restarts."""

import json
import subprocess
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.pace import HANGS_SECONDS, PATIENT
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
        tables.create_table(
            TableName="orders",
            KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
            ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
        )
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
