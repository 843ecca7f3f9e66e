"""Scaling policies: what they may ask for, and as they are told."""

import re
from typing import Any

import pytest
from tests.scaling_api.scaling_kit import ACCOUNT, METRICS, READS, REGION, WRITES, Scaling, refused, scope

UUID = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"


def policies(scaling: Scaling, **more: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = scaling.client.describe_scaling_policies(ServiceNamespace="dynamodb", **more)[
        "ScalingPolicies"
    ]
    return found


def test_a_policy_is_told_with_its_alarms(scaling: Scaling) -> None:
    scaling.table()
    scaling.register()
    made = scaling.track(70, ScaleOutCooldown=60, DisableScaleIn=True)
    arn = rf"arn:aws:autoscaling:{REGION}:{ACCOUNT}:scalingPolicy:{UUID}:resource/dynamodb/table/orders:policyName/p"
    assert re.fullmatch(arn, made["PolicyARN"])
    kinds = ("AlarmHigh", "AlarmLow", "ProvisionedCapacityHigh", "ProvisionedCapacityLow")
    for alarm, kind in zip(made["Alarms"], kinds, strict=True):
        assert re.fullmatch(f"TargetTracking-table/orders-{kind}-{UUID}", alarm["AlarmName"])
        assert alarm["AlarmARN"] == f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{alarm['AlarmName']}"
    scaling.restart()
    (told,) = policies(scaling)
    assert told.pop("CreationTime")
    assert told == {
        **scope(),
        "PolicyARN": made["PolicyARN"],
        "PolicyName": "p",
        "PolicyType": "TargetTrackingScaling",
        "Alarms": made["Alarms"],
        "TargetTrackingScalingPolicyConfiguration": {
            "TargetValue": 70.0,
            "PredefinedMetricSpecification": {"PredefinedMetricType": METRICS[WRITES]},
            "ScaleOutCooldown": 60,
            "DisableScaleIn": True,
        },
    }


def test_a_policy_that_is_put_again_keeps_its_alarms(scaling: Scaling) -> None:
    scaling.table()
    scaling.register()
    first, second = scaling.track(50), scaling.track(60)
    assert first == {**second, "ResponseMetadata": first["ResponseMetadata"]}
    (told,) = policies(scaling)
    assert told["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 60.0


def test_a_capacity_has_one_policy_of_a_metric(scaling: Scaling) -> None:
    scaling.table()
    scaling.register()
    scaling.track()
    assert refused(scaling.track, PolicyName="q") == (
        "ValidationException",
        "Only one TargetTrackingScaling policy for a given metric specification is allowed.",
    )


def test_a_policy_needs_a_target(scaling: Scaling) -> None:
    assert refused(scaling.track) == (
        "ObjectNotFoundException",
        "No scalable target registered for service namespace: dynamodb, resource ID: table/orders, "
        f"scalable dimension: {WRITES}",
    )


@pytest.mark.parametrize("percent", [19.9, 90.1, -1])
def test_a_target_value_has_bounds(scaling: Scaling, percent: float) -> None:
    scaling.table()
    scaling.register()
    assert refused(scaling.track, percent=percent)[0] == "ValidationException"


@pytest.mark.parametrize(
    "given",
    [
        {"PolicyType": "StepScaling", "StepScalingPolicyConfiguration": {"AdjustmentType": "ExactCapacity"}},
        {"PolicyType": "PredictiveScaling"},
        {"PolicyType": "TargetTrackingScaling"},
        {"StepScalingPolicyConfiguration": {}},
        {"TargetTrackingScalingPolicyConfiguration": {"TargetValue": 50}},
        {
            "TargetTrackingScalingPolicyConfiguration": {
                "TargetValue": 50,
                "CustomizedMetricSpecification": {"MetricName": "m"},
            }
        },
        {
            "TargetTrackingScalingPolicyConfiguration": {
                "TargetValue": 50,
                "PredefinedMetricSpecification": {"PredefinedMetricType": METRICS[READS]},
            }
        },
        {
            "TargetTrackingScalingPolicyConfiguration": {
                "TargetValue": 50,
                "ScaleInCooldown": -1,
                "PredefinedMetricSpecification": {"PredefinedMetricType": METRICS[WRITES]},
            }
        },
    ],
)
def test_policies_that_dynamodb_does_not_have(scaling: Scaling, given: dict[str, Any]) -> None:
    scaling.table()
    scaling.register()
    code, text = refused(scaling.client.put_scaling_policy, PolicyName="p", **scope(), **given)
    assert (code, bool(text)) == ("ValidationException", True)
    assert policies(scaling) == []


def test_a_deleted_policy_is_gone(scaling: Scaling) -> None:
    scaling.table()
    scaling.register()
    scaling.track()
    scaling.client.delete_scaling_policy(PolicyName="p", **scope())
    assert policies(scaling) == []
    assert refused(scaling.client.delete_scaling_policy, PolicyName="p", **scope())[0] == "ObjectNotFoundException"


def test_policies_are_listed_in_pages_and_by_name(scaling: Scaling) -> None:
    for name in ("abc", "xyz"):
        scaling.table(name)
        for dimension in (READS, WRITES):
            where = scope(f"table/{name}", dimension)
            scaling.register(**where)
            scaling.track(PolicyName=f"{name}:{dimension[15:19]}", **where)
    walk = scaling.client.get_paginator("describe_scaling_policies")
    for size in (1, 3):
        pages = walk.paginate(ServiceNamespace="dynamodb", PaginationConfig={"PageSize": size})
        told = [each["PolicyName"] for page in pages for each in page["ScalingPolicies"]]
        assert told == ["abc:Read", "abc:Writ", "xyz:Read", "xyz:Writ"]
    assert len(policies(scaling, ResourceId="table/abc")) == 2
    assert [each["PolicyName"] for each in policies(scaling, PolicyNames=["xyz:Writ"])] == ["xyz:Writ"]
    assert refused(policies, scaling=scaling, MaxResults=11)[0] == "ValidationException"
