"""DeleteAlarms. Of names that mean no alarm nothing is said."""

import asyncio

from statordb.cloudwatch_api.context import Answer, Context, Request


async def delete_alarms(context: Context, request: Request) -> Answer:
    names = [context.alarm(name) for name in dict.fromkeys(request["AlarmNames"])]
    for name in names:
        await context.demand_alarm(name)
        await asyncio.sleep(0)  # conditions may ask much for each
    for name in names:
        await context.store.alarms.delete(name)
    return {}
