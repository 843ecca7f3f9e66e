"""PutScheduledAction: bounds that a target is to have from a time on."""

from dataclasses import replace
from typing import Any

from statordb.model.scaling_limits import SCHEDULED_ACTIONS_PER_TARGET_MAX
from statordb.scaling_api import bounds, errors
from statordb.scaling_api.changes import alter
from statordb.scaling_api.context import Answer, Context, Request
from statordb.store.scaling import schedules
from statordb.store.scaling.records import ActionRecord, TargetRecord


async def put_scheduled_action(context: Context, request: Request) -> Answer:
    target = await context.registered("PutScheduledAction")
    action = request.get("ScalableTargetAction") or {}
    bounds.check(action.get("MinCapacity"), action.get("MaxCapacity"))
    begins, ends, now = request.get("StartTime"), request.get("EndTime"), context.now()
    if begins is not None and ends is not None and ends < begins:
        raise errors.validation("The end time must be later than the start time")
    if ends is not None and ends < now:
        raise errors.validation("The end time must be in the future")
    name = request["ScheduledActionName"]

    def put(current: TargetRecord) -> TargetRecord:
        made = _merged(current.action(name), request, now)
        others = [each for each in current.actions if each.name != name]
        if len(others) >= SCHEDULED_ACTIONS_PER_TARGET_MAX:
            raise errors.limit_exceeded(
                f"A scalable target has at most {SCHEDULED_ACTIONS_PER_TARGET_MAX} scheduled actions"
            )
        return replace(current, actions=[*others, made])

    await alter(context, target.name, put)
    return {}


def _merged(known: ActionRecord | None, request: dict[str, Any], now: float) -> ActionRecord:
    """A new action, or one as it was with what is given; times that are not given are deleted (API reference)."""
    schedule = request.get("Schedule") or (None if known is None else known.schedule)
    if schedule is None:
        raise errors.validation("Schedule is required when creating a new scheduled action")
    wanted = request.get("ScalableTargetAction")
    if wanted is not None:
        low, high = wanted.get("MinCapacity"), wanted.get("MaxCapacity")
    else:
        low, high = (None, None) if known is None else (known.minimum, known.maximum)
    if low is None and high is None:
        raise errors.validation("At least one of minimum capacity and maximum capacity must be specified")
    made = ActionRecord(
        request["ScheduledActionName"],
        schedule,
        now if known is None else known.created_at,
        request.get("Timezone") or (None if known is None else known.timezone),
        request.get("StartTime"),
        request.get("EndTime"),
        low,
        high,
    )
    try:
        due = schedules.next_of(made, now)
    except schedules.BadSchedule as fault:
        raise errors.validation(str(fault.args[0])) from None
    if due is None:
        raise errors.validation("The scheduled action would never run")
    return replace(made, next_at=due)
