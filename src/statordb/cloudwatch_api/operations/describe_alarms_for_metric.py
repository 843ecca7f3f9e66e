"""DescribeAlarmsForMetric."""

import asyncio

from statordb.cloudwatch_api import queries
from statordb.cloudwatch_api.alarm_answers import shown
from statordb.cloudwatch_api.context import Answer, Context, Request
from statordb.store.alarms.records import AlarmRecord

ALARMS_MAX = 500  # of one answer, which has no pages: the first ones by their names
_PAGE = 100
_ONE_OF = ("Statistic", "ExtendedStatistic", "Unit", "Period")  # which count where they are given


async def describe_alarms_for_metric(context: Context, request: Request) -> Answer:
    await context.demand()
    principal = context.principal
    dimensions = queries.dimensions_of(request)
    found: list[AlarmRecord] = []
    after, more = None, True
    while more and len(found) < ALARMS_MAX:
        page, more = await context.store.alarms.page(principal.account, principal.region, "", after, _PAGE)
        found += [record for record in page if record.dimensions == dimensions and _fits(record, request)]
        after = page[-1].name if page else None
        await asyncio.sleep(0)  # a store on this machine answers at once, so nobody else would get a turn
    return {"MetricAlarms": [shown(record) for record in found[:ALARMS_MAX]]}


def _fits(record: AlarmRecord, request: Request) -> bool:
    told = {
        "Statistic": record.statistic,
        "ExtendedStatistic": record.extended,
        "Unit": record.unit,
        "Period": record.period,
    }
    return (record.namespace, record.metric) == (request["Namespace"], request["MetricName"]) and all(
        request.get(name) is None or request[name] == told[name] for name in _ONE_OF
    )
