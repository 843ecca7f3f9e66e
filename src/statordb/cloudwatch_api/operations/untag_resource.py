"""UntagResource, of alarms."""

from statordb.cloudwatch_api.context import Answer, Context, Request
from statordb.cloudwatch_api.tags import alarm_named, must_own, not_there
from statordb.store.alarms.alarms import NOT_THERE


async def untag_resource(context: Context, request: Request) -> Answer:
    name = alarm_named(context, request["ResourceARN"])
    gone = set(request["TagKeys"])
    await context.demand_alarm(name, {"aws:tagkeys": tuple(gone)})
    must_own(context, name)
    outcome = await context.store.alarms.tag(
        name, lambda tags: {key: value for key, value in tags.items() if key not in gone}
    )
    if outcome == NOT_THERE:
        raise not_there(name)
    return {}
