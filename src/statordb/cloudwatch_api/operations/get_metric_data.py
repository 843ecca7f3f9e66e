"""GetMetricData."""

from collections.abc import Iterable
from typing import Any

from statordb.cloudwatch_api import errors, pages, queries
from statordb.cloudwatch_api.context import Answer, Context, Request
from statordb.cloudwatch_api.times import span_of
from statordb.metering.metric_math import Series, Value
from statordb.metering.metric_queries import BadQuery, Query
from statordb.store.metric_values import Asked, value_of

DATAPOINTS_MAX = 100_800  # of one call (API reference, "GetMetricData")
_OLDEST_FIRST = "TimestampAscending"


async def get_metric_data(context: Context, request: Request) -> Answer:
    await context.demand()
    asked_for = queries.parsed(request["MetricDataQueries"])
    since, until = span_of(context, request)
    limit = request.get("MaxDatapoints")
    limit = DATAPOINTS_MAX if limit is None else limit
    if not 1 <= limit <= DATAPOINTS_MAX:
        raise errors.validation(f"The parameter MaxDatapoints must be between 1 and {DATAPOINTS_MAX}.")
    by_id = {query.id: query for query in asked_for}
    returned = [query for query in asked_for if query.returned]
    needed = {query.id: queries.needed(query, by_id) for query in returned}
    if not returned:
        raise errors.validation("At least one of the elements of the MetricDataQueries must return data.")
    subject = ("GetMetricData", str(request["MetricDataQueries"]), str(since), str(until), str(request.get("ScanBy")))
    begin, skip = _place(pages.read(context, subject, request.get("NextToken")), len(returned))
    principal = context.principal
    asked = Asked(principal.account, principal.region, since, until)
    results: list[dict[str, Any]] = []
    token = None
    for place in range(begin, len(returned)):
        query = returned[place]
        try:
            value = await value_of(context.store.metrics, asked, needed[query.id])
        except BadQuery as fault:
            raise errors.validation(str(fault.args[0])) from None
        for result in _results(query, value, request.get("ScanBy") != _OLDEST_FIRST, asked):
            points = result["Timestamps"]
            end = skip + limit
            is_whole = len(points) <= end
            for name in ("Timestamps", "Values"):
                result[name] = result[name][skip:end]
            limit -= len(result["Timestamps"])
            skip = 0
            results.append({**result, "StatusCode": "Complete" if is_whole else "PartialData"})
            if not is_whole:
                token = pages.write(context, subject, f"{place}/{end}")
        if token is None and limit <= 0 and place + 1 < len(returned):
            token = pages.write(context, subject, f"{place + 1}/0")
        if token is not None:
            break
    return {"MetricDataResults": results, "NextToken": token, "Messages": []}


def _results(query: Query, value: Value, newest_first: bool, asked: Asked) -> Iterable[dict[str, Any]]:
    """What is shown of a query: one result, or one for each of several series."""
    if isinstance(value, float):  # a number stands for itself at each moment
        period = query.period or 60
        value = Series(dict.fromkeys(range(asked.since, asked.until, period), value), period)
    listed = value if isinstance(value, list) else [value]
    for series in listed:
        label = query.label or (query.metric if not query.expression else query.id)
        label = label if len(listed) == 1 else f"{label} {series.of}".strip()
        points = sorted(series.points.items(), reverse=newest_first)
        yield {
            "Id": query.id,
            "Label": label,
            "Timestamps": [at for at, _ in points],
            "Values": [each for _, each in points],
        }


def _place(text: str | None, count: int) -> tuple[int, int]:
    """The query with which the answer goes on, and how many of its datapoints were told already."""
    if text is None:
        return 0, 0
    place, _, skip = text.partition("/")
    return min(int(place), count - 1), int(skip)
