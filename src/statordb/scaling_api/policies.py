"""Scaling policies: what a request may ask for, and as the API shows them."""

from typing import Any

from statordb.model.scaling_limits import COOLDOWN_SECONDS_MAX, TARGET_PERCENT_MAX, TARGET_PERCENT_MIN
from statordb.scaling_api import errors
from statordb.scaling_api.context import Request
from statordb.store.scaling.records import ALARMS, READS, SERVICE, WRITES, PolicyRecord, TargetRecord

TARGET_TRACKING = "TargetTrackingScaling"
_CONFIGURATION = "TargetTrackingScalingPolicyConfiguration"
_METRICS = {READS: "DynamoDBReadCapacityUtilization", WRITES: "DynamoDBWriteCapacityUtilization"}


def configuration(request: Request, units: str) -> dict[str, Any]:
    """The configuration that a request gives to a policy for reads or writes. Raises ValidationException."""
    kind = request.get("PolicyType") or TARGET_TRACKING
    if kind != TARGET_TRACKING:
        raise errors.validation(f"Policy type {kind} is not supported for service namespace {SERVICE}")
    for other in ("StepScalingPolicyConfiguration", "PredictiveScalingPolicyConfiguration"):
        if request.get(other) is not None:
            raise errors.validation(f"{other} cannot be specified for policy type {TARGET_TRACKING}")
    given: dict[str, Any] | None = request.get(_CONFIGURATION)
    if given is None:
        raise errors.validation(f"{_CONFIGURATION} must be specified for policy type {TARGET_TRACKING}")
    _check_metric(given, units)
    if not TARGET_PERCENT_MIN <= given["TargetValue"] <= TARGET_PERCENT_MAX:
        raise errors.validation(
            f"Target value must be between {TARGET_PERCENT_MIN} and {TARGET_PERCENT_MAX} for predefined metric type "
            f"{_METRICS[units]}"
        )
    for member in ("ScaleOutCooldown", "ScaleInCooldown"):
        if not 0 <= (given.get(member) or 0) <= COOLDOWN_SECONDS_MAX:
            raise errors.validation(f"{member} must not be negative")
    return given


def _check_metric(given: dict[str, Any], units: str) -> None:
    if given.get("CustomizedMetricSpecification") is not None:
        raise errors.validation("CustomizedMetricSpecification is not supported by this server.")
    metric = given.get("PredefinedMetricSpecification")
    if metric is None:
        raise errors.validation("One of PredefinedMetricSpecification, CustomizedMetricSpecification must be specified")
    named = metric["PredefinedMetricType"]
    if named != _METRICS[units]:
        raise errors.validation(f"Predefined metric type {named} is not supported for the scalable dimension")
    if metric.get("ResourceLabel") is not None:
        raise errors.validation(f"ResourceLabel cannot be specified for predefined metric type {named}")


def show(target: TargetRecord, policy: PolicyRecord) -> dict[str, Any]:
    """ScalingPolicy."""
    told = {
        "TargetValue": policy.target,
        "PredefinedMetricSpecification": {"PredefinedMetricType": policy.metric},
        "ScaleOutCooldown": policy.out_cooldown,
        "ScaleInCooldown": policy.in_cooldown,
        "DisableScaleIn": policy.only_out,
    }
    return {
        "PolicyARN": target.policy_arn(policy.name),
        "PolicyName": policy.name,
        "ServiceNamespace": SERVICE,
        "ResourceId": target.resource,
        "ScalableDimension": target.dimension,
        "PolicyType": TARGET_TRACKING,
        _CONFIGURATION: {key: value for key, value in told.items() if value is not None},
        "Alarms": alarms(target, policy),
        "CreationTime": round(policy.created_at, 3),
    }


def alarms(target: TargetRecord, policy: PolicyRecord) -> list[dict[str, str]]:
    """Alarms of a policy."""
    names = [policy.alarm_name(target.resource, kind) for kind in ALARMS]
    prefix = f"arn:aws:cloudwatch:{target.region}:{target.account}:alarm:"
    return [{"AlarmName": name, "AlarmARN": prefix + name} for name in names]
