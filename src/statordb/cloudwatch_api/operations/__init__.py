"""The operations of CloudWatch's API that are built, by name."""

from collections.abc import Mapping

from statordb.cloudwatch_api.context import Operation
from statordb.cloudwatch_api.operations.delete_alarms import delete_alarms
from statordb.cloudwatch_api.operations.describe_alarm_history import describe_alarm_history
from statordb.cloudwatch_api.operations.describe_alarms import describe_alarms
from statordb.cloudwatch_api.operations.describe_alarms_for_metric import describe_alarms_for_metric
from statordb.cloudwatch_api.operations.describe_insight_rules import describe_insight_rules
from statordb.cloudwatch_api.operations.disable_alarm_actions import disable_alarm_actions
from statordb.cloudwatch_api.operations.enable_alarm_actions import enable_alarm_actions
from statordb.cloudwatch_api.operations.get_insight_rule_report import get_insight_rule_report
from statordb.cloudwatch_api.operations.get_metric_data import get_metric_data
from statordb.cloudwatch_api.operations.get_metric_statistics import get_metric_statistics
from statordb.cloudwatch_api.operations.list_metrics import list_metrics
from statordb.cloudwatch_api.operations.list_tags_for_resource import list_tags_for_resource
from statordb.cloudwatch_api.operations.put_metric_alarm import put_metric_alarm
from statordb.cloudwatch_api.operations.set_alarm_state import set_alarm_state
from statordb.cloudwatch_api.operations.tag_resource import tag_resource
from statordb.cloudwatch_api.operations.untag_resource import untag_resource

OPERATIONS: Mapping[str, Operation] = {
    "DeleteAlarms": delete_alarms,
    "DescribeAlarmHistory": describe_alarm_history,
    "DescribeAlarms": describe_alarms,
    "DescribeAlarmsForMetric": describe_alarms_for_metric,
    "DescribeInsightRules": describe_insight_rules,
    "DisableAlarmActions": disable_alarm_actions,
    "EnableAlarmActions": enable_alarm_actions,
    "GetInsightRuleReport": get_insight_rule_report,
    "GetMetricData": get_metric_data,
    "GetMetricStatistics": get_metric_statistics,
    "ListMetrics": list_metrics,
    "ListTagsForResource": list_tags_for_resource,
    "PutMetricAlarm": put_metric_alarm,
    "SetAlarmState": set_alarm_state,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
}
