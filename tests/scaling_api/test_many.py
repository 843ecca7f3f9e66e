"""Many targets, each as large as it may be, are listed piece by piece: no loop stands."""

from tests.scaling_api.scaling_kit import Scaling

from statordb.model.scaling_limits import SCHEDULED_ACTIONS_PER_TARGET_MAX
from statordb.store.scaling.records import ActionRecord, TargetRecord

COUNT = 20


def test_large_targets_hold_up_nobody(scaling: Scaling) -> None:
    stored = scaling.api.store.scaling.targets
    actions = [
        ActionRecord(f"a{number:03}", "cron(0 8 * * ? *)", 0.0, "Europe/Berlin", minimum=1)
        for number in range(SCHEDULED_ACTIONS_PER_TARGET_MAX)
    ]
    for number in range(COUNT):
        target = TargetRecord(
            *("000000000000", "us-east-1", f"table/t{number:02}", "dynamodb:table:ReadCapacityUnits"),
            *(f"0a{number}", "uuid", 0.0, 1, 2, "role"),
            actions=actions,
        )
        scaling.api.run(stored.change(target.name, lambda _, made=target: made, target.id))
    assert len(scaling.client.describe_scalable_targets(ServiceNamespace="dynamodb")["ScalableTargets"]) == COUNT
    found = scaling.client.describe_scheduled_actions(ServiceNamespace="dynamodb", ScheduledActionNames=["a199"])
    assert len(found["ScheduledActions"]) == COUNT
    scaling.api.keep(3)
