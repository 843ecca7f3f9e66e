"""What queries of metrics come to: values of statistics, and of expressions over them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from statordb.metering import metric_math, statistics
from statordb.metering.metric_math import BadExpression, Scope, Series, Value
from statordb.metering.metric_queries import BadQuery, Query
from statordb.metering.metrics import source_of
from statordb.store.metrics import Metrics, Reading, Span, TooMuch

WORK_MAX = 5_000_000  # datapoints that the expressions of a request take up, each as often as it is named: 1 s
HERE_MAX = 5_000  # of them, that are worked out at once; more in a thread
MOMENTS_MAX = 100_800  # periods that FILL fills: no answer has more datapoints
FILLING = 4  # datapoints taken up, which one that is filled in costs as much as: it is kept
READS_TOO_MUCH = "The metrics take more reading than one request may have: ask for less of the time, or for fewer."
AT_ONCE = 250  # values of statistics, before others get their turn: a percentile takes some 10 us


@dataclass(slots=True)
class Asked:
    """A request: whose metrics, and from when until when, in seconds since the epoch. `known`: values by the ids of
    queries; `work`: what its expressions may still take; `reading`: what is read for it."""

    account: str
    region: str
    since: int
    until: int
    known: dict[str, Value] = field(default_factory=dict)
    work: int = WORK_MAX
    reading: Reading = field(default_factory=Reading)


async def value_of(metrics: Metrics, asked: Asked, queries: Sequence[Query]) -> Value:
    """What the last of some queries comes to; the others are those that it needs, in their order. Raises BadQuery."""
    for query in queries:
        if query.id not in asked.known:
            told = _expressed(asked, query, queries) if query.expression else _read(metrics, asked, query)
            asked.known[query.id] = await told
    return asked.known[queries[-1].id]


async def _read(metrics: Metrics, asked: Asked, query: Query) -> Series:
    minute = metrics.minute_seconds
    period = -(-query.period // minute) * minute
    source = source_of(query.namespace, query.metric, query.dimensions)
    if source is None:
        return Series({}, period, query.metric)
    span = Span(asked.since, asked.until, period)
    try:
        found = await metrics.read(asked.account, asked.region, source, span, asked.reading)
        asked.reading.spend(len(found))
    except TooMuch:
        raise BadQuery(READS_TOO_MUCH) from None
    told: dict[float, float] = {}
    for count, (start, statistic) in enumerate(found.items(), 1):
        value = statistics.value(query.statistic, statistic)
        if value is not None:
            told[start] = value
        if count % AT_ONCE == 0:
            await asyncio.sleep(0)
    return Series(told, period, query.id)


async def _expressed(asked: Asked, query: Query, queries: Sequence[Query]) -> Value:
    named = [each for each in queries if each.id in asked.known]
    simple = [asked.known[each.id] for each in named if not each.expression]
    period = max((series.period for series in simple if isinstance(series, Series)), default=query.period or 60)
    scope = Scope(
        {each.id: asked.known[each.id] for each in named},
        [series for series in simple if isinstance(series, Series)],
        range(asked.since, asked.until, period),
    )
    work = _points(scope.values) * len(query.expression) // 4 + _filled(query.expression, scope)
    asked.work -= work
    if asked.work < 0:
        raise BadQuery("The expressions of the request take up more datapoints than one request may have.")
    try:
        if work <= HERE_MAX:
            return metric_math.evaluate(query.expression, scope)
        return await asyncio.to_thread(metric_math.evaluate, query.expression, scope)
    except BadExpression as fault:
        raise BadQuery(f"Error in expression '{query.id}': {fault.args[0]}.") from None


def _filled(expression: str, scope: Scope) -> int:
    """The same of what FILL fills in, at most: of each series every period, also where there is no datapoint."""
    fills = expression.count("FILL")
    if not fills:
        return 0
    if len(scope.moments) > MOMENTS_MAX:
        raise BadQuery(f"FILL is of {MOMENTS_MAX:,} periods at most.")
    series = sum(len(value) if isinstance(value, list) else 1 for value in scope.values.values())
    return fills * len(scope.moments) * max(series, 1) * (expression.count(",") + 1) * FILLING


def _points(values: Mapping[str, Value]) -> int:
    """How many datapoints there are to be taken up."""
    count = 0
    for value in values.values():
        if isinstance(value, Series):
            count += len(value.points)
        elif isinstance(value, list):
            count += sum(len(series.points) for series in value)
    return count
