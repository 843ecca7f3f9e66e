"""Where what Application Auto Scaling takes differs from the letter of its service model."""

from statordb.model.scaling_limits import PAGE_MAX
from statordb.shapes import java
from statordb.shapes.overrides import Overrides

SCALING = Overrides(
    java_package="com.amazonaws.autoscaling.frontend.",
    ranges={"MaxResults": (1, PAGE_MAX)},  # API reference
    enum_order=java.enum_order,
    # Those of the model take quadratic time.
    patterns={
        "AmazonResourceName": r"arn:[^:]+:application-autoscaling:[^:]+:[0-9]+:scalable-target/[a-zA-Z0-9-]+",
        "ScheduledActionName": r"(?! )[^\x00-\x1f\x7f-\x9f:/|]+(?<! )",
    },
)
