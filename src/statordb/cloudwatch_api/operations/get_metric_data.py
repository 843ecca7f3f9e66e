"""GetMetricData."""

import asyncio
from collections.abc import Sequence
from itertools import islice
from typing import Any, NamedTuple

from statordb.cloudwatch_api import errors, pages, queries
from statordb.cloudwatch_api.context import Answer, Context, Request
from statordb.cloudwatch_api.times import span_of
from statordb.metering.metric_math import Series, Value
from statordb.metering.metric_queries import BadQuery, Query
from statordb.store.metric_values import Asked, value_of

DATAPOINTS_MAX = 100_800  # of one call (API reference, "GetMetricData")
_OLDEST_FIRST = "TimestampAscending"


class Place(NamedTuple):
    """Where an answer goes on: with which query that returns data, which of its series, and behind how many of its
    datapoints."""

    query: int = 0
    series: int = 0
    skip: int = 0


async def get_metric_data(context: Context, request: Request) -> Answer:
    await context.demand()
    asked_for = queries.parsed(request["MetricDataQueries"])
    since, until = span_of(context, request)
    limit = request.get("MaxDatapoints")
    limit = DATAPOINTS_MAX if limit is None else limit
    if not 1 <= limit <= DATAPOINTS_MAX:
        raise errors.validation(f"The parameter MaxDatapoints must be between 1 and {DATAPOINTS_MAX}.")
    needed = await _needed(asked_for)
    subject = ("GetMetricData", str(request["MetricDataQueries"]), str(since), str(until), str(request.get("ScanBy")))
    at = _place(pages.read(context, subject, request.get("NextToken")))
    asked = Asked(context.principal.account, context.principal.region, since, until)
    newest_first = request.get("ScanBy") != _OLDEST_FIRST
    results: list[dict[str, Any]] = []
    begins = at
    while at.query < len(needed) and limit > 0 and (at == begins or not asked.reading.is_enough):
        asked.reading.begin()
        try:
            value = await value_of(context.store.metrics, asked, needed[at.query])
        except BadQuery as fault:
            raise errors.validation(str(fault.args[0])) from None
        listed = value if isinstance(value, list) else [value]
        query = needed[at.query][-1]
        for number, each in islice(enumerate(listed), at.series, None):
            told, is_whole = _told(_moments(query, each, asked, newest_first), each, at.skip, limit)
            results.append({"Id": query.id, "Label": _label(query, each, len(listed)), **told})
            limit -= len(told["Timestamps"])
            at = Place(at.query, number + 1) if is_whole else Place(at.query, number, at.skip + len(told["Timestamps"]))
            await asyncio.sleep(0)
            if not is_whole or limit <= 0:
                break
        if at.series >= len(listed):
            at = Place(at.query + 1)
    token = pages.write(context, subject, "/".join(map(str, at))) if at.query < len(needed) else None
    return {"MetricDataResults": results, "NextToken": token, "Messages": []}


async def _needed(asked_for: Sequence[Query]) -> list[list[Query]]:
    """Of each query that returns data those that it needs, itself last. Raises ValidationError."""
    by_id = {query.id: query for query in asked_for}
    found = []
    for query in asked_for:
        if query.returned:
            found.append(queries.needed(query, by_id))
            await asyncio.sleep(0)  # each may name all others
    if not found:
        raise errors.validation("At least one of the elements of the MetricDataQueries must return data.")
    return found


def _moments(query: Query, value: Value, asked: Asked, newest_first: bool) -> Sequence[float]:
    """When there are datapoints, in the order of the answer. A number stands for itself at each moment."""
    if isinstance(value, Series):
        return sorted(value.points, reverse=newest_first)
    found = range(asked.since, asked.until, query.period or 60)
    return found[::-1] if newest_first else found


def _told(moments: Sequence[float], value: Value, skip: int, limit: int) -> tuple[dict[str, Any], bool]:
    """The datapoints behind some, at most `limit`; and whether these are all that there are."""
    told = list(moments[skip : skip + limit])
    values = [value.points[at] for at in told] if isinstance(value, Series) else [value] * len(told)
    is_whole = len(moments) <= skip + limit
    return {"Timestamps": told, "Values": values, "StatusCode": "Complete" if is_whole else "PartialData"}, is_whole


def _label(query: Query, value: Value, count: int) -> str:
    label = query.label or (query.metric if not query.expression else query.id)
    return f"{label} {value.of}".strip() if isinstance(value, Series) and count > 1 else label


def _place(text: str | None) -> Place:
    """Raises InvalidNextToken."""
    if text is None:
        return Place()
    parts = text.split("/")
    if len(parts) != len(Place._fields) or not all(
        part.isascii() and part.isdigit() and len(part) < 20 for part in parts
    ):
        raise errors.invalid_token()
    return Place(*map(int, parts))
