"""Alarms and their history as the API shows them."""

from typing import Any

from statordb.store.alarms.records import AlarmRecord, HistoryRecord


def shown(record: AlarmRecord) -> dict[str, Any]:
    """MetricAlarm."""
    return {name: value for name, value in _members(record).items() if value is not None}


def _members(record: AlarmRecord) -> dict[str, Any]:
    watched: dict[str, Any]
    if record.queries:
        watched = {"Metrics": record.queries}
    else:
        watched = {
            "MetricName": record.metric,
            "Namespace": record.namespace,
            "Statistic": record.statistic or None,
            "ExtendedStatistic": record.extended or None,
            "Dimensions": [{"Name": name, "Value": value} for name, value in record.dimensions.items()],
            "Period": record.period,
            "Unit": record.unit,
        }
    return {
        "AlarmName": record.name,
        "AlarmArn": record.arn,
        "AlarmDescription": record.description,
        "AlarmConfigurationUpdatedTimestamp": record.changed_at,
        "ActionsEnabled": record.acts,
        "OKActions": record.ok_actions,
        "AlarmActions": record.alarm_actions,
        "InsufficientDataActions": record.unknown_actions,
        "StateValue": record.state,
        "StateReason": record.reason,
        "StateReasonData": record.reason_data or None,
        "StateUpdatedTimestamp": record.told_at,
        "StateTransitionedTimestamp": record.turned_at,
        **watched,
        "EvaluationPeriods": record.periods,
        "DatapointsToAlarm": record.enough,
        "Threshold": record.threshold,
        "ComparisonOperator": record.comparison,
        "TreatMissingData": record.missing,
        "EvaluateLowSampleCountPercentile": record.few_samples,
    }


def entry(record: HistoryRecord) -> dict[str, Any]:
    """AlarmHistoryItem."""
    return {
        "AlarmName": record.name,
        "AlarmType": "MetricAlarm",
        "Timestamp": record.at,
        "HistoryItemType": record.kind,
        "HistorySummary": record.summary,
        "HistoryData": record.data,
    }
