"""PutMetricAlarm."""

from statordb.cloudwatch_api import errors
from statordb.cloudwatch_api.alarm_requests import record_of
from statordb.cloudwatch_api.context import Answer, Context, Request
from statordb.commands.key_permission import of_tags
from statordb.store.alarms.alarms import ALARMS_MAX, TOO_MANY


async def put_metric_alarm(context: Context, request: Request) -> Answer:
    name = context.alarm(request["AlarmName"])
    given = of_tags({tag["Key"]: tag["Value"] for tag in request.get("Tags") or ()})
    await context.demand_alarm(name, given)
    if given:
        await context.demand_alarm(name, given, "TagResource")
    record = record_of(context, request)
    if await context.store.alarms.put(record) == TOO_MANY:
        raise errors.limit_exceeded(f"The maximum number of alarms has been reached: {ALARMS_MAX}.")
    return {}
