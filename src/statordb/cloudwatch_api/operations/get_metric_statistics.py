"""GetMetricStatistics."""

import asyncio
from typing import Any

from statordb.cloudwatch_api import errors, queries
from statordb.cloudwatch_api.context import Answer, Context, Request
from statordb.cloudwatch_api.times import span_of
from statordb.metering import statistics
from statordb.metering.metric_queries import is_period
from statordb.metering.metrics import source_of
from statordb.metering.series import Statistic
from statordb.store.metric_values import READS_TOO_MUCH
from statordb.store.metrics import Reading, Span, TooMuch

AT_ONCE = 50  # datapoints, each with ten percentiles, before others get their turn
DATAPOINTS_MAX = 1440  # of one call (API reference, "GetMetricStatistics")


async def get_metric_statistics(context: Context, request: Request) -> Answer:
    await context.demand()
    simple, extended = request.get("Statistics") or [], request.get("ExtendedStatistics") or []
    if not simple and not extended:
        raise errors.missing("The parameters Statistics and ExtendedStatistics are required: one of them at least.")
    for name in extended:
        if not statistics.is_percentile(name):
            raise errors.invalid_value(f"The value {name[:64]} for parameter ExtendedStatistics is not supported.")
    period, since, until = _span(context, request)
    source = source_of(request["Namespace"], request["MetricName"], queries.dimensions_of(request))
    if source is None or request.get("Unit") not in (None, source.told.unit):
        return {"Label": request["MetricName"], "Datapoints": []}
    principal = context.principal
    whose, span = (principal.account, principal.region), Span(since, until, period)
    try:
        found = await context.store.metrics.read(*whose, source, span, Reading())
    except TooMuch:
        raise errors.combination(READS_TOO_MUCH) from None
    told = []
    for count, (at, statistic) in enumerate(found.items(), 1):
        told.append(_datapoint(at, statistic, simple, extended, source.told.unit))
        if count % AT_ONCE == 0:
            await asyncio.sleep(0)
    return {"Label": request["MetricName"], "Datapoints": told}


def _span(context: Context, request: Request) -> tuple[int, int, int]:
    """Raises InvalidParameterValue, InvalidParameterCombination."""
    period, minute = request["Period"], context.store.metrics.minute_seconds
    if not is_period(period):
        raise errors.invalid_value("The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60.")
    since, until = span_of(context, request)
    period = -(-period // minute) * minute
    count = (until - since) // period
    if count > DATAPOINTS_MAX:
        raise errors.combination(
            f"You have requested up to {count:,} datapoints, which exceeds the limit of {DATAPOINTS_MAX:,}. You may "
            "reduce the datapoints requested by increasing Period, or decreasing the time range."
        )
    return period, since, until


def _datapoint(at: int, found: Statistic, simple: list[str], extended: list[str], unit: str) -> dict[str, Any]:
    told: dict[str, Any] = {"Timestamp": at, "Unit": unit}
    told |= {name: statistics.value(name, found) for name in simple}
    percentiles = {name: value for name in extended if (value := statistics.value(name, found)) is not None}
    if percentiles:
        told["ExtendedStatistics"] = percentiles
    return told
