"""Whether alarms act. Of names that mean no alarm nothing is said."""

import asyncio
from dataclasses import replace

from statordb.cloudwatch_api.context import Context, Request
from statordb.store.alarms.records import AlarmRecord
from statordb.store.terms import Refused


async def act(context: Context, request: Request, acts: bool) -> None:
    names = [context.alarm(name) for name in dict.fromkeys(request["AlarmNames"])]
    for name in names:
        await context.demand_alarm(name)
        await asyncio.sleep(0)  # conditions may ask much for each

    def change(found: AlarmRecord | None) -> AlarmRecord | Refused:
        return Refused(None) if found is None or found.acts == acts else replace(found, acts=acts)

    for name in names:
        await context.store.alarms.change(name, change)
