"""What is asked of metrics: queries as GetMetricData and alarms have them, and what their expressions need. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from statordb.metering import metric_math, statistics

QUERIES_MAX = 500  # of one call (API reference, "GetMetricData")
_ID = re.compile(r"[a-z][A-Za-z0-9_]*")
_SHORT = frozenset((1, 5, 10, 20, 30))  # seconds below a minute that a period may have


class BadQuery(Exception):
    """args[0] is a sentence that says why, in CloudWatch's words where they are known."""


class Query(NamedTuple):
    """One query: of a metric, or (with `expression`) of others. `returned`: it is part of the answer."""

    id: str
    expression: str = ""
    namespace: str = ""
    metric: str = ""
    dimensions: Mapping[str, str] = {}  # never changed
    statistic: str = ""
    period: int = 0
    label: str = ""
    returned: bool = True


def is_period(seconds: int) -> bool:
    return seconds in _SHORT or (seconds >= 60 and seconds % 60 == 0)


def dimensions_of(told: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return {each["Name"]: each["Value"] for each in told}


def parse(told: Sequence[Mapping[str, Any]]) -> list[Query]:
    """The queries of a request, whose types are right. Raises BadQuery."""
    if len(told) > QUERIES_MAX:
        raise BadQuery(f"The collection MetricDataQueries must not have a size greater than {QUERIES_MAX}.")
    found = [_query(each, place) for place, each in enumerate(told, 1)]
    if len({query.id for query in found}) != len(found):
        raise BadQuery("The values for parameter id in MetricDataQueries are not unique.")
    return found


def _query(told: Mapping[str, Any], place: int) -> Query:
    id, stat, expression = told["Id"], told.get("MetricStat"), told.get("Expression")
    where = f"MetricDataQueries.member.{place}"
    if _ID.fullmatch(id) is None:
        raise BadQuery(f"The value {id[:64]} for parameter {where}.Id is not matching the expected pattern "
                       "^[a-z][a-zA-Z0-9_]*$.")  # fmt: skip
    if (stat is None) == (expression is None):
        raise BadQuery(f"The parameter {where} must have one of MetricStat and Expression, and only one.")
    if told.get("Period") is not None and not is_period(told["Period"]):
        raise BadQuery(f"The parameter {where}.Period must be 1, 5, 10, 20, 30 or a multiple of 60.")
    returned = told.get("ReturnData")
    label, shown = told.get("Label") or "", returned is None or returned
    if stat is None or expression is not None:
        return Query(id, expression or "", label=label, period=told.get("Period") or 0, returned=shown)
    name, period, metric = stat["Stat"], stat["Period"], stat["Metric"]
    if not statistics.is_known(name):
        raise BadQuery(f"The value {name[:64]} for parameter {where}.MetricStat.Stat is not supported.")
    if not is_period(period):
        raise BadQuery(f"The parameter {where}.MetricStat.Period must be 1, 5, 10, 20, 30 or a multiple of 60.")
    return Query(
        id,
        "",
        metric.get("Namespace", ""),
        metric.get("MetricName", ""),
        dimensions_of(metric.get("Dimensions") or ()),
        name,
        period,
        label,
        shown,
    )


def needed(query: Query, queries: Mapping[str, Query]) -> list[Query]:
    """The queries that one needs, itself last, each behind those that it needs. Raises BadQuery for what is no
    expression that can be evaluated."""
    found: dict[str, Query] = {}
    _gather(query, queries, found, ())
    return list(found.values())


def _gather(query: Query, queries: Mapping[str, Query], found: dict[str, Query], above: tuple[str, ...]) -> None:
    if query.id in found:
        return
    if query.id in above:
        raise BadQuery(f"The expression of {query.id} is part of itself.")
    if query.expression:
        if len(above) > metric_math.DEPTH_MAX:
            raise BadQuery("Expressions are nested too deeply.")
        if "METRICS" in query.expression:
            for other in queries.values():
                if not other.expression:
                    found.setdefault(other.id, other)
        for name in dict.fromkeys(metric_math.names(query.expression)):
            if name not in queries:
                raise BadQuery(f"Error in expression '{query.id}': {name[:64]} is no id of a query.")
            _gather(queries[name], queries, found, (*above, query.id))
    found[query.id] = query


def period_of(queries: Sequence[Query]) -> int:
    """The longest period of some queries, in seconds; 0 where none has one."""
    return max((query.period for query in queries), default=0)
