"""DescribeAlarms."""

import asyncio

from statordb.cloudwatch_api import errors, pages
from statordb.cloudwatch_api.alarm_answers import shown
from statordb.cloudwatch_api.context import Answer, Context, Request
from statordb.commands.demands import EVERYTHING
from statordb.store.alarms.records import AlarmRecord

RECORDS = 50  # where a request names no maximum (API reference: 100 at most)
METRIC_ALARM = "MetricAlarm"
_LOOKED_AT_MAX = 1000  # alarms, for one page


async def describe_alarms(context: Context, request: Request) -> Answer:
    await context.demand(EVERYTHING if not request.get("AlarmNames") else context.alarm("*").arn)
    names, prefix = request.get("AlarmNames"), request.get("AlarmNamePrefix")
    if names and prefix:
        raise errors.combination("AlarmNames and AlarmNamePrefix are mutually exclusive.")
    empty: Answer = {"MetricAlarms": [], "CompositeAlarms": []}
    if request.get("ChildrenOfAlarmName") or request.get("ParentsOfAlarmName"):
        return empty  # of alarms that are composed of others, which are not built
    if METRIC_ALARM not in (request.get("AlarmTypes") or [METRIC_ALARM]):
        return empty
    if names:
        found = [await context.store.alarms.find(context.alarm(name)) for name in dict.fromkeys(names)]
        there = [record for record in found if record is not None and _fits(record, request)]
        return {**empty, "MetricAlarms": [shown(record) for record in there]}
    limit = request.get("MaxRecords") or RECORDS
    subject = ("DescribeAlarms", prefix or "", request.get("StateValue") or "", request.get("ActionPrefix") or "")
    after = pages.read(context, subject, request.get("NextToken"))
    principal, looked = context.principal, 0
    chosen: list[AlarmRecord] = []
    while True:
        page, more = await context.store.alarms.page(principal.account, principal.region, prefix or "", after, limit)
        looked += len(page)
        await asyncio.sleep(0)  # a store on this machine answers at once, so nobody else would get a turn
        for record in page:
            if len(chosen) == limit:
                more = True
                break
            after = record.name
            if _fits(record, request):
                chosen.append(record)
        if not more or len(chosen) == limit or looked >= _LOOKED_AT_MAX:
            break
    token = pages.write(context, subject, after) if more and after is not None else None
    return {**empty, "MetricAlarms": [shown(record) for record in chosen], "NextToken": token}


def _fits(record: AlarmRecord, request: Request) -> bool:
    state, prefix = request.get("StateValue"), request.get("ActionPrefix")
    if state is not None and record.state != state:
        return False
    actions = (*record.ok_actions, *record.alarm_actions, *record.unknown_actions)
    return prefix is None or any(arn.startswith(prefix) for arn in actions)
