"""What requests ask of metrics, with the errors of this API."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from statordb.cloudwatch_api import errors
from statordb.cloudwatch_api.context import Request
from statordb.metering import metric_queries
from statordb.metering.metric_queries import BadQuery, Query


class Watched(NamedTuple):
    """What an alarm watches: what its one query that returns data needs, itself last, and its period in seconds."""

    queries: Sequence[Query]
    period: int


def dimensions_of(given: Request) -> dict[str, str]:
    told: Sequence[Mapping[str, str]] = given.get("Dimensions") or ()
    found = metric_queries.dimensions_of(told)
    if len(found) != len(told):
        raise errors.invalid_value("The parameter Dimensions has a name twice.")
    return found


def must_be_a_period(seconds: int) -> None:
    if not metric_queries.is_period(seconds) or seconds in (1, 5):
        raise errors.validation("Invalid Period value. Valid periods are 10, 20, 30 and multiples of 60.")


def parsed(told: Sequence[Mapping[str, Any]]) -> list[Query]:
    """The queries of a request. Raises ValidationError."""
    for each in told:
        if each.get("AccountId") is not None:
            raise errors.unsupported("AccountId of a query")
    try:
        return metric_queries.parse(told)
    except BadQuery as fault:
        raise errors.validation(str(fault.args[0])) from None


def needed(query: Query, queries: Mapping[str, Query]) -> list[Query]:
    """The queries that one needs. Raises ValidationError."""
    try:
        return metric_queries.needed(query, queries)
    except BadQuery as fault:
        raise errors.validation(str(fault.args[0])) from None


def of_alarm(told: Sequence[Mapping[str, Any]]) -> Watched:
    """The queries of an alarm, of which one returns data. Raises ValidationError."""
    found = parsed(told)
    returned = [query for query in found if query.returned]
    if len(returned) != 1:
        raise errors.validation("Exactly one element of the metrics list should return data.")
    wanted = needed(returned[0], {query.id: query for query in found})
    period = metric_queries.period_of(wanted)
    if not period:
        raise errors.validation("Period must not be null")
    must_be_a_period(period)
    return Watched(wanted, period)
