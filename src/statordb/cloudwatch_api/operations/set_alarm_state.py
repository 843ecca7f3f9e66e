"""SetAlarmState: until the alarm is evaluated next."""

import orjson

from statordb.cloudwatch_api import errors
from statordb.cloudwatch_api.context import Answer, Context, Request
from statordb.store.alarms.alarms import Turn


async def set_alarm_state(context: Context, request: Request) -> Answer:
    name = context.alarm(request["AlarmName"])
    await context.demand_alarm(name)
    data = request.get("StateReasonData") or ""
    if data:
        try:
            orjson.dumps(orjson.loads(data))  # the history tells it within a document of its own
        except (orjson.JSONDecodeError, orjson.JSONEncodeError):
            raise errors.invalid_format("StateReasonData is not a valid JSON document.") from None
    before = await context.store.alarms.turn(name, Turn(request["StateValue"], request["StateReason"], data))
    if before is None:
        raise errors.resource_not_found("")
    return {}
