"""Scalable targets: registered, changed, listed, tagged, and gone."""

import json
from typing import Any

import pytest
from tests.scaling_api.scaling_kit import ACCOUNT, READS, REGION, WRITES, Scaling, code, refused, scope

from statordb.model import markers

INDEX = "dynamodb:index:WriteCapacityUnits"


def listed(scaling: Scaling, **more: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = scaling.client.describe_scalable_targets(ServiceNamespace="dynamodb", **more)[
        "ScalableTargets"
    ]
    return found


def test_a_target_is_told_as_it_was_registered(scaling: Scaling) -> None:
    scaling.table()
    arn = scaling.register(2, 10)
    assert arn.startswith(f"arn:aws:application-autoscaling:{REGION}:{ACCOUNT}:scalable-target/0a")
    (told,) = listed(scaling)
    created = told.pop("CreationTime")
    assert created.timestamp() == pytest.approx(scaling.clock.now(), abs=0.01)
    assert told == {
        **scope(),
        "MinCapacity": 2,
        "MaxCapacity": 10,
        "RoleARN": f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/dynamodb.application-autoscaling.amazonaws.com/"
        "AWSServiceRoleForApplicationAutoScaling_DynamoDBTable",
        "SuspendedState": dict.fromkeys(
            ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended"), False
        ),
        "ScalableTargetARN": arn,
    }


def test_members_that_are_not_given_stay(scaling: Scaling) -> None:
    scaling.table()
    arn = scaling.register(2, 10, Tags={"a": "1"})
    again = scaling.client.register_scalable_target(**scope(), MaxCapacity=20)
    assert again["ScalableTargetARN"] == arn
    scaling.client.register_scalable_target(**scope(), SuspendedState={"DynamicScalingInSuspended": True})
    scaling.restart()
    (told,) = listed(scaling)
    assert (told["MinCapacity"], told["MaxCapacity"]) == (2, 20)
    assert told["SuspendedState"]["DynamicScalingInSuspended"] is True
    assert told["SuspendedState"]["DynamicScalingOutSuspended"] is False
    assert scaling.client.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"a": "1"}


@pytest.mark.parametrize(("low", "high", "comes_to"), [(8, 10, 8), (1, 3, 3), (1, 10, 5)])
def test_capacity_is_brought_within_new_bounds_at_once(scaling: Scaling, low: int, high: int, comes_to: int) -> None:
    scaling.table()
    scaling.register(low, high)
    assert scaling.units() == (5, comes_to), "reads stay as they were"
    told = scaling.activities()
    if comes_to == 5:
        assert told == []
        return
    (activity,) = told
    bound = "minimum" if comes_to == low else "maximum"
    assert activity["Cause"] == f"{bound} capacity was set to {comes_to}"
    assert activity["Description"] == f"Setting write capacity units to {comes_to}."
    assert activity["StatusCode"] == "Successful"
    assert activity["StatusMessage"] == (
        f"Successfully set write capacity units to {comes_to}. Change successfully fulfilled by dynamodb."
    )


def test_a_manual_value_below_the_minimum_stays(scaling: Scaling) -> None:
    """Bounds count when they are set (measured on AWS: aws-controllers-k8s, API quirks, TABLE-316)."""
    scaling.table()
    scaling.register(5, 10)
    scaling.api("UpdateTable", TableName="orders", ProvisionedThroughput=_units(5, 2))
    scaling.api.keep()
    assert scaling.units() == (5, 2)


def _units(reads: int, writes: int) -> dict[str, int]:
    return {"ReadCapacityUnits": reads, "WriteCapacityUnits": writes}


def test_an_index_has_targets_of_its_own(scaling: Scaling) -> None:
    index = {
        "IndexName": "by_p",
        "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
        "ProvisionedThroughput": _units(3, 3),
    }
    scaling.table(GlobalSecondaryIndexes=[index])
    where = scope("table/orders/index/by_p", INDEX)
    scaling.client.register_scalable_target(**where, MinCapacity=7, MaxCapacity=9)
    table = scaling.api("DescribeTable", TableName="orders")["Table"]
    figures = table["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"]
    assert (figures["ReadCapacityUnits"], figures["WriteCapacityUnits"]) == (3, 7)
    assert scaling.units() == (5, 5)


@pytest.mark.parametrize(
    ("resource", "dimension", "text"),
    [
        ("table/nowhere", WRITES, "DynamoDB table does not exist: table/nowhere"),
        ("table/orders/index/i", INDEX, "DynamoDB index does not exist: table/orders/index/i"),
        ("orders", WRITES, "Unsupported service namespace, resource type or scalable dimension"),
        ("table/orders", INDEX, "Unsupported service namespace, resource type or scalable dimension"),
        ("table/orders", "ecs:service:DesiredCount",
         "Unsupported service namespace, resource type or scalable dimension"),
        ("table/orders/index/i", WRITES, "Unsupported service namespace, resource type or scalable dimension"),
    ],
)  # fmt: skip
def test_what_is_no_capacity_is_not_registered(scaling: Scaling, resource: str, dimension: str, text: str) -> None:
    scaling.table()
    given = {**scope(resource, dimension), "MinCapacity": 1, "MaxCapacity": 2}
    assert refused(scaling.client.register_scalable_target, **given) == ("ValidationException", text)


@pytest.mark.parametrize(
    ("bounds", "text"),
    [
        ({"MinCapacity": 1}, "A maximum capacity is required when registering a new scalable target"),
        ({"MaxCapacity": 1}, "A minimum capacity is required when registering a new scalable target"),
        ({"MinCapacity": 2, "MaxCapacity": 1}, "Minimum capacity cannot be greater than maximum capacity"),
        ({"MinCapacity": 0, "MaxCapacity": 1}, "Minimum capacity must be at least 1 for DynamoDB"),
    ],
)
def test_bounds_that_are_none(scaling: Scaling, bounds: dict[str, int], text: str) -> None:
    scaling.table()
    assert refused(scaling.client.register_scalable_target, **scope(), **bounds) == ("ValidationException", text)
    assert listed(scaling) == []


def test_what_a_request_lacks_is_told_as_aws_tells_it(scaling: Scaling) -> None:
    code, text = refused(scaling.client.register_scalable_target, ServiceNamespace="dynamo", ResourceId="")
    assert code == "ValidationException"
    assert text.startswith("3 validation errors detected: Value ")
    assert "at 'serviceNamespace' failed to satisfy constraint: Member must satisfy enum value set: [" in text
    assert "Value '' at 'resourceId' failed to satisfy constraint: Member must have length greater than or" in text
    assert "Value null at 'scalableDimension' failed to satisfy constraint: Member must not be null" in text


def test_an_on_demand_table_has_nothing_to_set(scaling: Scaling) -> None:
    scaling.table(BillingMode="PAY_PER_REQUEST", ProvisionedThroughput=None)
    scaling.register(5, 10)
    assert scaling.units() == (0, 0)
    assert scaling.activities() == []


def test_targets_survive_their_table(scaling: Scaling) -> None:
    """A table of the same name is theirs again (developer guide; measured: TABLE-194)."""
    scaling.table()
    scaling.register(3, 10)
    scaling.api("DeleteTable", TableName="orders")
    assert len(listed(scaling)) == 1
    scaling.table(writes=1)
    assert scaling.units() == (5, 1)


def test_what_is_deregistered_is_gone_with_all_that_it_had(scaling: Scaling) -> None:
    scaling.table()
    arn = scaling.register()
    scaling.track()
    scaling.client.deregister_scalable_target(**scope())
    assert listed(scaling) == []
    assert scaling.client.describe_scaling_policies(ServiceNamespace="dynamodb")["ScalingPolicies"] == []
    assert refused(scaling.client.list_tags_for_resource, ResourceARN=arn)[0] == "ResourceNotFoundException"
    gone = refused(scaling.client.deregister_scalable_target, **scope())
    assert gone == (
        "ObjectNotFoundException",
        f"No scalable target found for service namespace: dynamodb, resource ID: table/orders, scalable dimension: "
        f"{WRITES}",
    )
    assert scaling.register() != arn


def test_lists_are_cut_in_pages_and_may_be_narrowed(scaling: Scaling) -> None:
    for name in ("abc", "abc1", "xyz"):
        scaling.table(name)
        for dimension in (READS, WRITES):
            scaling.register(**scope(f"table/{name}", dimension))
    pages = scaling.client.get_paginator("describe_scalable_targets")
    for size in (1, 2, 4, 50):
        found = pages.paginate(ServiceNamespace="dynamodb", PaginationConfig={"PageSize": size})
        told = [(each["ResourceId"], each["ScalableDimension"]) for page in found for each in page["ScalableTargets"]]
        assert told == [(f"table/{name}", each) for name in ("abc", "abc1", "xyz") for each in (READS, WRITES)]
    narrowed = pages.paginate(
        ServiceNamespace="dynamodb", ResourceIds=["table/xyz", "table/abc"], PaginationConfig={"PageSize": 1}
    )
    told = [each["ResourceId"] for page in narrowed for each in page["ScalableTargets"]]
    assert told == ["table/abc", "table/abc", "table/xyz", "table/xyz"]
    (one,) = listed(scaling, ResourceIds=["table/abc"], ScalableDimension=READS)
    assert one["ScalableDimension"] == READS
    assert listed(scaling, ResourceIds=["table/nowhere"]) == []
    assert scaling.client.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"] == []


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"NextToken": "%"}, "InvalidNextTokenException"),
        ({"MaxResults": 0}, "ValidationException"),
        ({"MaxResults": 51}, "ValidationException"),
        ({"ScalableDimension": WRITES}, "ValidationException"),
    ],
)
def test_lists_that_are_asked_for_wrongly(scaling: Scaling, given: dict[str, Any], code: str) -> None:
    assert refused(scaling.client.describe_scalable_targets, ServiceNamespace="dynamodb", **given)[0] == code


def test_tags_come_and_go(scaling: Scaling) -> None:
    scaling.table()
    arn = scaling.register(Tags={"a": "1", "b": "2"})
    scaling.client.tag_resource(ResourceARN=arn, Tags={"b": "3", "c": "4"})
    scaling.client.untag_resource(ResourceARN=arn, TagKeys=["a", "nobody's"])
    assert scaling.client.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"b": "3", "c": "4"}
    many = {f"k{number}": "v" for number in range(49)}
    assert refused(scaling.client.tag_resource, ResourceARN=arn, Tags=many)[0] == "TooManyTagsException"
    assert refused(scaling.client.tag_resource, ResourceARN=arn, Tags={"aws:a": ""})[0] == "ValidationException"
    assert refused(scaling.client.tag_resource, ResourceARN=arn + "1", Tags={})[0] == "ResourceNotFoundException"
    assert refused(scaling.client.tag_resource, ResourceARN="arn:aws:x", Tags={})[0] == "ValidationException"


def test_a_change_is_under_way_until_the_table_has_it(tmp_path: Any) -> None:
    scaling = Scaling(tmp_path, table_delay_seconds=5.0)
    scaling.table()
    scaling.clock.advance(6.0)
    scaling.register(8, 10)
    (activity,) = scaling.activities()
    assert (activity["StatusCode"], "EndTime" in activity) == ("InProgress", False)
    assert activity["StatusMessage"].endswith("Waiting for change to be fulfilled by dynamodb.")
    scaling.clock.advance(6.0)
    (activity,) = scaling.activities()
    assert (activity["StatusCode"], "EndTime" in activity) == ("Successful", True)
    scaling.close()


@pytest.mark.parametrize(
    "operation",
    ["DescribeScalableTargets", "DescribeScalingPolicies", "DescribeScheduledActions", "DescribeScalingActivities"],
)
def test_tokens_that_nobody_was_given(scaling: Scaling, operation: str) -> None:
    """Of any size and content, they lead nowhere, and break nothing."""
    scaling.table()
    scaling.register(7, 9)
    places = ("x" * 5000, "\0", "a\0b\0c\0d", "78" * 3000, "7", "\U0001f600", "table/orders")
    for token in (*map(markers.write, places), "", "a", "====", "x" * 60_000):
        body = json.dumps({"ServiceNamespace": "dynamodb", "NextToken": token}).encode()
        reply = scaling.ask(operation, body)
        assert reply.status == 200 or code(reply) == "InvalidNextTokenException", token
