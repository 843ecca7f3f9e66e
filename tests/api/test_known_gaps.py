"""What AWS answers and StatorDB does not yet, each as an expected failure: whoever closes a gap finds its test here.

docs/operations.md and docs/compatibility.md tell of them in words. Gaps that would take hours or gigabytes to see (an
item collection above 10 GB, 2,500 tables) have none.
"""

from typing import Any

import pytest
from tests.in_process import Api, Fault

CREATE: dict[str, Any] = {
    "TableName": "abc",
    "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/abc"
TTL = {"TimeToLiveSpecification": {"AttributeName": "t", "Enabled": True}}
UNBUILT = [
    "CreateGlobalTable", "DescribeGlobalTable", "DescribeGlobalTableSettings", "SearchVectors", "UpdateGlobalTable",
    "UpdateGlobalTableSettings",
]  # fmt: skip


def gap(reason: str) -> pytest.MarkDecorator:
    return pytest.mark.xfail(reason=reason, strict=True, raises=(AssertionError, Fault, pytest.fail.Exception))


@pytest.mark.parametrize("operation", UNBUILT)
@gap("not built")
def test_every_operation_of_the_model_is_known(api: Api, operation: str) -> None:
    assert api.refused(operation).code != "UnknownOperationException"


@gap("replicas are not built")
def test_a_replica_can_be_added(api: Api) -> None:
    api("CreateTable", **CREATE)
    updates = [{"Create": {"RegionName": "eu-west-1"}}]
    assert api("UpdateTable", TableName="abc", ReplicaUpdates=updates)["TableDescription"]["Replicas"]


@gap("capacity is counted and never charged")
def test_reads_beyond_what_is_provisioned_are_throttled(api: Api) -> None:
    """One unit a second, and what 300 seconds have left over: three reads of 100 units."""
    throughput = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1000}
    api("CreateTable", **{**CREATE, "BillingMode": "PROVISIONED", "ProvisionedThroughput": throughput})
    item = {"p": {"S": "a"}, "d": {"S": "x" * 399 * 1024}}
    api("PutItem", TableName="abc", Item=item)
    read = {"TableName": "abc", "Key": {"p": {"S": "a"}}, "ConsistentRead": True, "ProjectionExpression": "p"}
    for _ in range(5):
        api("GetItem", **read)
    assert api.refused("GetItem", **read).code == "ProvisionedThroughputExceededException"


@gap("switching is over at once")
def test_time_to_live_is_being_switched_on_for_a_while(api: Api) -> None:
    api("CreateTable", **CREATE)
    api("UpdateTimeToLive", TableName="abc", **TTL)
    described = api("DescribeTimeToLive", TableName="abc")["TimeToLiveDescription"]
    assert described == {"TimeToLiveStatus": "ENABLING", "AttributeName": "t"}


@gap("switching again is possible at once")
def test_time_to_live_is_switched_once_an_hour(api: Api) -> None:
    api("CreateTable", **CREATE)
    api("UpdateTimeToLive", TableName="abc", **TTL)
    off = {"TimeToLiveSpecification": {"AttributeName": "t", "Enabled": False}}
    assert api.refused("UpdateTimeToLive", TableName="abc", **off).code == "ValidationException"
