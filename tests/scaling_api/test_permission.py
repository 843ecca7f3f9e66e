"""Who may do what: every operation states what it demands."""

import json
from typing import Any

import pytest
from tests.scaling_api.scaling_kit import ACCOUNT, REGION, WRITES, Scaling, code, refused, scope

from statordb.access.authority import USER, Authority
from statordb.access.document import compile_policy
from statordb.model.request import Principal
from statordb.scaling_api.operations import OPERATIONS

ADA = f"arn:aws:iam::{ACCOUNT}:user/ada"
ARN = f"arn:aws:application-autoscaling:{REGION}:{ACCOUNT}:scalable-target/"
ACTION = {"Schedule": "rate(1 day)", "ScheduledActionName": "a", "ScalableTargetAction": {"MinCapacity": 1}}
LIST = {"ServiceNamespace": "dynamodb"}
TRACKING = {
    "TargetTrackingScalingPolicyConfiguration": {
        "TargetValue": 50,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "DynamoDBWriteCapacityUtilization"},
    }
}
BODIES: dict[str, dict[str, Any]] = {
    "RegisterScalableTarget": {**scope(), "MinCapacity": 1, "MaxCapacity": 2},
    "DeregisterScalableTarget": scope(),
    "DescribeScalableTargets": LIST,
    "PutScalingPolicy": {**scope(), "PolicyName": "p", **TRACKING},
    "DeleteScalingPolicy": {**scope(), "PolicyName": "p"},
    "DescribeScalingPolicies": LIST,
    "DescribeScalingActivities": LIST,
    "PutScheduledAction": {**scope(), **ACTION},
    "DeleteScheduledAction": {**scope(), "ScheduledActionName": "a"},
    "DescribeScheduledActions": LIST,
    "TagResource": {"ResourceARN": ARN + "0a1", "Tags": {"a": "1"}},
    "UntagResource": {"ResourceARN": ARN + "0a1", "TagKeys": ["a"]},
    "ListTagsForResource": {"ResourceARN": ARN + "0a1"},
}


def user(*statements: dict[str, Any]) -> Principal:
    policies = (compile_policy(json.dumps({"Version": "2012-10-17", "Statement": list(statements)})),)
    return Principal(ACCOUNT, "AKIAX", REGION, ADA, Authority(USER, ADA, ACCOUNT, "AIDAX", "ada", policies))


def statement(action: str, effect: str = "Allow", resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": f"application-autoscaling:{action}", "Resource": resource, **more}


def test_every_operation_has_a_request_here() -> None:
    assert BODIES.keys() == OPERATIONS.keys()


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_who_may_nothing_gets_nothing_from_any_operation(scaling: Scaling, operation: str) -> None:
    """Not even whether there is a target; nor does who may all others."""
    nobody, others = user(statement("X")), user(statement("*"), statement(operation, "Deny"))
    body = json.dumps(BODIES[operation]).encode()
    for who in (nobody, others):
        assert code(scaling.ask(operation, body, who)) == "AccessDeniedException"
    scaling.table()
    arn = scaling.register()
    body = body.replace((ARN + "0a1").encode(), arn.encode())
    for who in (nobody, others):
        assert code(scaling.ask(operation, body, who)) == "AccessDeniedException"


def test_an_identity_may_what_its_policy_says(scaling: Scaling) -> None:
    scaling.table()
    mine = scaling.register()
    ada = scaling.connect(user(statement("PutScalingPolicy", resource=mine), statement("Describe*")))
    ada.put_scaling_policy(**BODIES["PutScalingPolicy"])
    assert ada.describe_scaling_policies(**LIST)["ScalingPolicies"]
    denied, text = refused(ada.deregister_scalable_target, **scope())
    assert (denied, text) == (
        "AccessDeniedException",
        f"User: {ADA} is not authorized to perform: application-autoscaling:DeregisterScalableTarget on resource: "
        f"{mine} because no identity-based policy allows the application-autoscaling:DeregisterScalableTarget action",
    )


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"application-autoscaling:service-namespace": "dynamodb"}},
        {"StringEquals": {"application-autoscaling:scalable-dimension": WRITES}},
        {"StringEquals": {"aws:RequestTag/team": "red"}},
        {"ForAnyValue:StringEquals": {"aws:TagKeys": "team"}},
        {"StringEquals": {"aws:ResourceTag/owner": "ops"}},
    ],
)
def test_what_is_denied_on_a_condition_is_denied(scaling: Scaling, condition: dict[str, Any]) -> None:
    """A key of conditions that nobody knew would let all pass."""
    scaling.table()
    scaling.register(Tags={"owner": "ops"})
    ada = scaling.connect(user(statement("*"), statement("RegisterScalableTarget", "Deny", Condition=condition)))
    given = {**scope(), "MaxCapacity": 9, "Tags": {"team": "red"}}
    assert refused(ada.register_scalable_target, **given)[0] == "AccessDeniedException"


def test_who_gives_a_role_must_be_allowed_to(scaling: Scaling) -> None:
    scaling.table()
    ada = scaling.connect(user(statement("*")))
    given = {**BODIES["RegisterScalableTarget"], "RoleARN": f"arn:aws:iam::{ACCOUNT}:role/scaler"}
    assert refused(ada.register_scalable_target, **given)[0] == "AccessDeniedException"
    scaling.client.register_scalable_target(**given)


def test_another_account_has_targets_of_its_own(scaling: Scaling) -> None:
    scaling.table()
    arn = scaling.register()
    other = scaling.connect(Principal("111111111111", "other", REGION, "arn:aws:iam::111111111111:root"))
    assert other.describe_scalable_targets(**LIST)["ScalableTargets"] == []
    assert refused(other.list_tags_for_resource, ResourceARN=arn)[0] == "ResourceNotFoundException"
    assert refused(other.deregister_scalable_target, **scope())[0] == "ObjectNotFoundException"
