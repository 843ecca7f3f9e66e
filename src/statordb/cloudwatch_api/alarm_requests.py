"""From PutMetricAlarm's members to an alarm's record, by CloudWatch's rules. API reference, "PutMetricAlarm"."""

import re
from typing import Any

from statordb.cloudwatch_api import errors, queries
from statordb.cloudwatch_api.context import Context, Request
from statordb.cloudwatch_api.tags import tags_of
from statordb.metering import statistics
from statordb.metering.alarm import COMPARISONS, TREATMENTS
from statordb.store.alarms.records import AlarmRecord

DAY_SECONDS = 86_400
WEEK_SECONDS = 7 * DAY_SECONDS
_FEW_SAMPLES = ("evaluate", "ignore")
_OF_ONE_METRIC = ("MetricName", "Namespace", "Dimensions", "Period", "Unit", "Statistic", "ExtendedStatistic")
_UNBUILT = (
    "ThresholdMetricId", "EvaluationWindow", "WarmUpConfiguration", "EvaluationCriteria", "EvaluationInterval",
    "ActionConfiguration",
)  # fmt: skip
_ARN = re.compile(r"arn:[a-z0-9-]+:[a-z0-9-]+:[A-Za-z0-9-]*:[A-Za-z0-9]*:.+", re.DOTALL)


def record_of(context: Context, given: Request) -> AlarmRecord:
    """Raises ValidationError, MissingParameter, InvalidParameterCombination."""
    for name in _UNBUILT:
        if given.get(name) is not None:
            raise errors.unsupported(name)
    comparison = given.get("ComparisonOperator")
    if comparison is not None and comparison not in COMPARISONS:
        raise errors.unsupported(f"The comparison operator {comparison}, which is for anomaly detection,")
    for name in ("ComparisonOperator", "EvaluationPeriods", "Threshold"):
        if given.get(name) is None:
            raise errors.missing(f"The parameter {name} is required.")
    watched = _queries(given) if given.get("Metrics") else _metric(given)
    periods, enough = given["EvaluationPeriods"], given.get("DatapointsToAlarm")
    _must_fit(watched["period"], periods, enough)
    missing, few = given.get("TreatMissingData"), given.get("EvaluateLowSampleCountPercentile")
    if missing is not None and missing not in TREATMENTS:
        raise errors.validation(f"Option {missing} is not supported for TreatMissingData.")
    if few is not None and few not in _FEW_SAMPLES:
        raise errors.validation(f"Option {few} is not supported for EvaluateLowSampleCountPercentile.")
    acts = given.get("ActionsEnabled")
    return AlarmRecord(
        context.principal.account,
        context.principal.region,
        given["AlarmName"],
        given["ComparisonOperator"],
        given["Threshold"],
        periods,
        changed_at=context.now(),
        enough=enough,
        missing=missing,
        few_samples=few,
        description=given.get("AlarmDescription"),
        acts=True if acts is None else acts,
        ok_actions=_actions(given, "OKActions"),
        alarm_actions=_actions(given, "AlarmActions"),
        unknown_actions=_actions(given, "InsufficientDataActions"),
        tags=tags_of(given.get("Tags") or ()),
        **watched,
    )


def _metric(given: Request) -> dict[str, Any]:
    """What an alarm watches that names one metric."""
    for name in ("MetricName", "Namespace", "Period"):
        if given.get(name) is None:
            raise errors.missing(f"The parameter {name} is required.")
    statistic, extended = given.get("Statistic"), given.get("ExtendedStatistic")
    if (statistic is None) == (extended is None):
        raise errors.combination("One and only one of Statistic and ExtendedStatistic must be given.")
    if extended is not None and not statistics.is_known(extended):
        raise errors.validation(f"The value {extended[:64]} for parameter ExtendedStatistic is not supported.")
    queries.must_be_a_period(given["Period"])
    return {
        "namespace": given["Namespace"],
        "metric": given["MetricName"],
        "dimensions": queries.dimensions_of(given),
        "statistic": statistic or "",
        "extended": extended or "",
        "period": given["Period"],
        "unit": given.get("Unit"),
    }


def _queries(given: Request) -> dict[str, Any]:
    """The same of one that watches what comes of several."""
    for name in _OF_ONE_METRIC:
        if given.get(name) is not None:
            raise errors.combination(f"Metrics list and {name} are mutually exclusive.")
    asked = queries.of_alarm(given["Metrics"])
    return {"queries": given["Metrics"], "period": asked.period}


def _must_fit(period: int, periods: int, enough: int | None) -> None:
    if enough is not None and enough > periods:
        raise errors.validation("DatapointsToAlarm must be less than or equal to EvaluationPeriods.")
    longest = DAY_SECONDS if period < 3600 else WEEK_SECONDS
    if period * periods > longest:
        raise errors.validation(
            "Metrics cannot be checked across more than "
            f"{'a day' if longest == DAY_SECONDS else 'seven days'} (EvaluationPeriods * Period must be <= {longest})."
        )


def _actions(given: Request, name: str) -> list[str]:
    found: list[str] = given.get(name) or []
    for arn in found:
        if _ARN.fullmatch(arn) is None:
            raise errors.validation(f"Invalid arn syntax: {arn[:256]}")
    return found
