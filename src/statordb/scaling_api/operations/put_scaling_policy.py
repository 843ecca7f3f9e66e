"""PutScalingPolicy: target tracking, which is what DynamoDB has."""

from dataclasses import replace
from typing import Any

from statordb.commands import scaling_alarms
from statordb.commands.scaling import provisioned, record_of
from statordb.model.scaling_limits import POLICIES_PER_TARGET_MAX
from statordb.scaling_api import errors, policies
from statordb.scaling_api.changes import alter
from statordb.scaling_api.context import Answer, Context, Request
from statordb.store.alarms.alarms import ALARMS_MAX
from statordb.store.scaling.records import ALARMS, PolicyRecord, TargetRecord


async def put_scaling_policy(context: Context, request: Request) -> Answer:
    target = await context.registered("PutScalingPolicy")
    given = policies.configuration(request, target.name.units)
    name, now, stored = request["PolicyName"], context.now(), context.store.scaling.targets
    alarms = {kind: stored.uuid() for kind in ALARMS}  # here: plans are pure

    def put(current: TargetRecord) -> TargetRecord:
        policy = current.policy(name)
        metric = given["PredefinedMetricSpecification"]["PredefinedMetricType"]
        others = [each for each in current.policies if each.name != name]
        if any(each.metric == metric for each in others):
            raise errors.metric_is_taken()
        if len(others) >= POLICIES_PER_TARGET_MAX:
            raise errors.limit_exceeded(f"A scalable target has at most {POLICIES_PER_TARGET_MAX} scaling policies")
        policy = policy or PolicyRecord(name, metric, 0.0, now, alarms)
        return replace(current, policies=[*others, _configured(policy, given)])

    changed = await alter(context, target.name, put)
    policy = changed.policy(name)
    assert policy is not None
    figures = provisioned(await record_of(context.store, target.name), target.name, now) or {}
    units = figures.get(target.name.units, changed.minimum)
    if not await scaling_alarms.put(context.store, changed, policy, units):
        await alter(context, target.name, lambda found: found.without_policy(name))
        await scaling_alarms.delete(context.store, changed, [policy])
        raise errors.limit_exceeded(f"There may be at most {ALARMS_MAX} alarms")
    return {"PolicyARN": changed.policy_arn(name), "Alarms": policies.alarms(changed, policy)}


def _configured(policy: PolicyRecord, given: dict[str, Any]) -> PolicyRecord:
    return replace(
        policy,
        metric=given["PredefinedMetricSpecification"]["PredefinedMetricType"],
        target=float(given["TargetValue"]),
        out_cooldown=given.get("ScaleOutCooldown"),
        in_cooldown=given.get("ScaleInCooldown"),
        only_out=given.get("DisableScaleIn"),
        held="",
        alarmed="",
    )
