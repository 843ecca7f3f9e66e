"""ListTagsForResource, of alarms."""

from statordb.cloudwatch_api.context import Answer, Context, Request
from statordb.cloudwatch_api.tags import alarm_named, must_own, not_there, shown


async def list_tags_for_resource(context: Context, request: Request) -> Answer:
    name = alarm_named(context, request["ResourceARN"])
    await context.demand_alarm(name)
    must_own(context, name)
    found = await context.store.alarms.find(name)
    if found is None:
        raise not_there(name)
    return {"Tags": shown(found.tags)}
