"""The alarms of target tracking policies, as CloudWatch shows them. Scaling judges them itself: they tell what it sees.

Names, metrics and thresholds are those of AWS's. The last two watch whether somebody else sets the capacity.
"""

from statordb.metering import tracking
from statordb.metering.alarm import Rule
from statordb.store.alarms.alarms import TOO_MANY
from statordb.store.alarms.records import AlarmName, AlarmRecord
from statordb.store.scaling.records import (
    ALARMS,
    HIGH,
    LOW,
    PROVISIONED_HIGH,
    PROVISIONED_LOW,
    PolicyRecord,
    TargetRecord,
)
from statordb.store.store import Store

_NAMESPACE = "AWS/DynamoDB"
_PERIOD_SECONDS = 60
_PROVISIONED_PERIOD_SECONDS = 300
_PROVISIONED_PERIODS = 3
OWNER = "scaling"


def of_policy(target: TargetRecord, policy: PolicyRecord, provisioned: int, now: float) -> list[AlarmRecord]:
    """The alarms of a policy whose target has so many units a second."""
    by = tracking.rules(policy.target, provisioned)
    above = Rule("GreaterThanThreshold", float(provisioned), _PROVISIONED_PERIODS, _PROVISIONED_PERIODS)
    below = above._replace(comparison="LessThanThreshold")
    return [
        _alarm(target, policy, HIGH, by.high, now),
        _alarm(target, policy, LOW, by.low, now),
        _alarm(target, policy, PROVISIONED_HIGH, above, now),
        _alarm(target, policy, PROVISIONED_LOW, below, now),
    ]


def _alarm(target: TargetRecord, policy: PolicyRecord, kind: str, rule: Rule, now: float) -> AlarmRecord:
    name, arn = target.name, target.policy_arn(policy.name)
    dimensions = {"TableName": name.table}
    if name.index_name is not None:
        dimensions["GlobalSecondaryIndexName"] = name.index_name
    is_of_load = kind in (HIGH, LOW)
    return AlarmRecord(
        target.account,
        target.region,
        policy.alarm_name(target.resource, kind),
        rule.comparison,
        rule.threshold,
        rule.periods,
        _PERIOD_SECONDS if is_of_load else _PROVISIONED_PERIOD_SECONDS,
        now,
        namespace=_NAMESPACE,
        metric=f"{'Consumed' if is_of_load else 'Provisioned'}{name.units}",
        dimensions=dimensions,
        statistic="Sum" if is_of_load else "Average",
        description=f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {arn}.",
        alarm_actions=[arn],
        owner=OWNER,
    )


async def put(store: Store, target: TargetRecord, policy: PolicyRecord, provisioned: int) -> bool:
    """Make the alarms of a policy, or give them the thresholds of a capacity. False where there may be no more."""
    for alarm in of_policy(target, policy, provisioned, store.clock.now()):
        if await store.alarms.put(alarm) == TOO_MANY:
            return False
    return True


async def delete(store: Store, target: TargetRecord, policies: list[PolicyRecord]) -> None:
    """Forget the alarms of policies."""
    for policy in policies:
        for kind in ALARMS:
            name = policy.alarm_name(target.resource, kind)
            await store.alarms.delete(AlarmName(target.account, target.region, name))
