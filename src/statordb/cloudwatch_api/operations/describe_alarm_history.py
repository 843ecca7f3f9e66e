"""DescribeAlarmHistory."""

from binascii import Error, unhexlify

from statordb.cloudwatch_api import errors, pages
from statordb.cloudwatch_api.alarm_answers import entry
from statordb.cloudwatch_api.context import Answer, Context, Request
from statordb.commands.demands import EVERYTHING

RECORDS = 100  # where a request names no maximum
_FOREVER = 253_402_300_799.0
_OLDEST_FIRST = "TimestampAscending"


async def describe_alarm_history(context: Context, request: Request) -> Answer:
    name = request.get("AlarmName")
    await context.demand(EVERYTHING if name is None else context.alarm(name).arn)
    kind, types = request.get("HistoryItemType"), request.get("AlarmTypes") or ["MetricAlarm"]
    since, until = request.get("StartDate") or 0.0, request.get("EndDate")
    until = _FOREVER if until is None else until
    newest_first = request.get("ScanBy") != _OLDEST_FIRST
    subject = ("DescribeAlarmHistory", name or "", kind or "", str(since), str(until), str(newest_first))
    after = _place(pages.read(context, subject, request.get("NextToken")))
    if "MetricAlarm" not in types or not 0 <= since <= until <= _FOREVER:
        return {"AlarmHistoryItems": []}
    limit = request.get("MaxRecords") or RECORDS
    principal = context.principal
    found, places, more = await context.store.alarms.history(
        principal.account, principal.region, since, until, after, newest_first
    )
    chosen: list[Answer] = []
    last = None
    for record, place in zip(found, places, strict=True):
        if len(chosen) == limit:
            more = True
            break
        last = place
        if (name is None or record.name == name) and (kind is None or record.kind == kind):
            chosen.append(entry(record))
    token = pages.write(context, subject, last.hex()) if more and last is not None else None
    return {"AlarmHistoryItems": chosen, "NextToken": token}


def _place(text: str | None) -> bytes | None:
    try:
        return None if text is None else unhexlify(text)
    except (Error, ValueError):
        raise errors.invalid_token() from None
