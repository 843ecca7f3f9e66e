"""TagResource, of alarms."""

from collections.abc import Mapping

from statordb.cloudwatch_api.context import Answer, Context, Request
from statordb.cloudwatch_api.tags import alarm_named, must_be_few, must_own, not_there, tags_of
from statordb.commands.key_permission import of_tags
from statordb.store.alarms.alarms import NOT_THERE


async def tag_resource(context: Context, request: Request) -> Answer:
    name = alarm_named(context, request["ResourceARN"])
    await context.demand_alarm(name, of_tags({tag["Key"]: tag["Value"] for tag in request["Tags"]}))
    must_own(context, name)
    given = tags_of(request["Tags"])

    def change(tags: Mapping[str, str]) -> dict[str, str]:
        changed = {**tags, **given}
        must_be_few(changed)
        return changed

    if await context.store.alarms.tag(name, change) == NOT_THERE:
        raise not_there(name)
    return {}
