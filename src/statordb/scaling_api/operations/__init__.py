"""The operations of Application Auto Scaling's API that are built, one file each."""

from collections.abc import Mapping

from statordb.scaling_api.context import Operation
from statordb.scaling_api.operations.delete_scaling_policy import delete_scaling_policy
from statordb.scaling_api.operations.delete_scheduled_action import delete_scheduled_action
from statordb.scaling_api.operations.deregister_scalable_target import deregister_scalable_target
from statordb.scaling_api.operations.describe_scalable_targets import describe_scalable_targets
from statordb.scaling_api.operations.describe_scaling_activities import describe_scaling_activities
from statordb.scaling_api.operations.describe_scaling_policies import describe_scaling_policies
from statordb.scaling_api.operations.describe_scheduled_actions import describe_scheduled_actions
from statordb.scaling_api.operations.list_tags_for_resource import list_tags_for_resource
from statordb.scaling_api.operations.put_scaling_policy import put_scaling_policy
from statordb.scaling_api.operations.put_scheduled_action import put_scheduled_action
from statordb.scaling_api.operations.register_scalable_target import register_scalable_target
from statordb.scaling_api.operations.tag_resource import tag_resource
from statordb.scaling_api.operations.untag_resource import untag_resource

OPERATIONS: Mapping[str, Operation] = {
    "DeleteScalingPolicy": delete_scaling_policy,
    "DeleteScheduledAction": delete_scheduled_action,
    "DeregisterScalableTarget": deregister_scalable_target,
    "DescribeScalableTargets": describe_scalable_targets,
    "DescribeScalingActivities": describe_scaling_activities,
    "DescribeScalingPolicies": describe_scaling_policies,
    "DescribeScheduledActions": describe_scheduled_actions,
    "ListTagsForResource": list_tags_for_resource,
    "PutScalingPolicy": put_scaling_policy,
    "PutScheduledAction": put_scheduled_action,
    "RegisterScalableTarget": register_scalable_target,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
}
