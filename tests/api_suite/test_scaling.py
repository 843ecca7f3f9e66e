"""Application Auto Scaling's API beside DynamoDB's on one port, by boto3."""

import uuid
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.api_suite.conftest import await_active
from tests.pace import PATIENT, until

from botocore.config import Config  # isort: skip

Client = Any


@pytest.fixture(scope="module")
def scaling(server: str) -> Client:
    config = Config(retries={"total_max_attempts": 1}, **PATIENT)
    return boto3.client("application-autoscaling", endpoint_url=server, config=config)


@pytest.fixture
def scope(client: Client, scaling: Client) -> Iterator[dict[str, str]]:
    """The writes of a provisioned table of the test's own."""
    name = f"scaled-{uuid.uuid4().hex[:12]}"
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
    )
    await_active(client, name)
    where = {
        "ServiceNamespace": "dynamodb",
        "ResourceId": f"table/{name}",
        "ScalableDimension": "dynamodb:table:WriteCapacityUnits",
    }
    yield where
    for target in scaling.describe_scalable_targets(ServiceNamespace="dynamodb", ResourceIds=[where["ResourceId"]])[
        "ScalableTargets"
    ]:
        scaling.deregister_scalable_target(**{**where, "ScalableDimension": target["ScalableDimension"]})
    client.delete_table(TableName=name)


def test_the_life_of_a_target(client: Client, scaling: Client, scope: dict[str, str]) -> None:
    arn = scaling.register_scalable_target(**scope, MinCapacity=3, MaxCapacity=9, Tags={"a": "1"})["ScalableTargetARN"]
    name = scope["ResourceId"].removeprefix("table/")

    def units() -> int:
        return int(client.describe_table(TableName=name)["Table"]["ProvisionedThroughput"]["WriteCapacityUnits"])

    until(lambda: units() == 3, "it has its minimum")
    metric = {"PredefinedMetricType": "DynamoDBWriteCapacityUtilization"}
    policy = {
        "PolicyName": "p",
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 70.0, "PredefinedMetricSpecification": metric},
    }
    made = scaling.put_scaling_policy(**scope, **policy)
    assert len(made["Alarms"]) == 4
    (found,) = scaling.describe_scaling_policies(**scope)["ScalingPolicies"]
    assert policy.items() <= found.items()
    scaling.put_scheduled_action(
        **scope,
        ScheduledActionName="night",
        Schedule="cron(0 22 * * ? *)",
        Timezone="Europe/Berlin",
        ScalableTargetAction={"MaxCapacity": 5},
    )
    (action,) = scaling.describe_scheduled_actions(**scope)["ScheduledActions"]
    assert action["ScalableTargetAction"] == {"MaxCapacity": 5}
    scaling.tag_resource(ResourceARN=arn, Tags={"b": "2"})
    scaling.untag_resource(ResourceARN=arn, TagKeys=["a"])
    assert scaling.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"b": "2"}
    activity = scaling.describe_scaling_activities(**scope)["ScalingActivities"][-1]
    assert activity["Description"] == "Setting write capacity units to 3."
    scaling.delete_scheduled_action(**scope, ScheduledActionName="night")
    scaling.delete_scaling_policy(**scope, PolicyName="p")
    scaling.deregister_scalable_target(**scope)
    with pytest.raises(ClientError, match="ObjectNotFoundException"):
        scaling.deregister_scalable_target(**scope)
    assert units() == 3
