"""The errors of limits of throughput: what of a table, an index or an account has no units left."""

from statordb.model.errors import Throttled

_SCALING = (
    "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or "
    "index so please try again shortly. If exceptions persist, check if you have a hot key: "
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html."
)
_SCALING_INDEXES = (
    "Throughput exceeds the current capacity for one or more global secondary indexes. DynamoDB is automatically "
    "scaling your index so please try again shortly."
)


def provisioned_throughput_exceeded(reason: str, arn: str, is_index: bool) -> Throttled:
    """Texts: API reference, TransactWriteItems; developer guide, "Diagnosing throttling", for the reasons."""
    of_what = "one or more global secondary indexes of the table" if is_index else "the table"
    for_what = " for the under-provisioned global secondary indexes" if is_index else ""
    return Throttled(
        "ProvisionedThroughputExceededException",
        f"The level of configured provisioned throughput for {of_what} was exceeded. "
        f"Consider increasing your provisioning level{for_what} with the UpdateTable API.",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceeded",
        "ThrottlingReasons",
        reason,
        arn,
    )


def on_demand_partition_exceeded(reason: str, arn: str, is_index: bool) -> Throttled:
    """Of a key that takes more than a partition gives, where the table is on demand."""
    return _throttled_on_demand(_SCALING_INDEXES if is_index else _SCALING, reason, arn)


def on_demand_maximum_exceeded(reason: str, arn: str) -> Throttled:
    """Of a maximum that OnDemandThroughput sets."""
    return _throttled_on_demand(
        "Throughput exceeds the maximum OnDemandThroughput configured on table or index", reason, arn
    )


def _throttled_on_demand(message: str, reason: str, arn: str) -> Throttled:
    code = "ThrottlingError"
    return Throttled("ThrottlingException", message, code, code, "throttlingReasons", reason, arn)


def account_limit_exceeded(reason: str, arn: str) -> Throttled:
    """Of the quota of a table that is on demand (developer guide, "Error handling with DynamoDB")."""
    return Throttled(
        "RequestLimitExceeded",
        "Throughput exceeds the current throughput limit for your account. To request a limit increase, contact AWS "
        "Support at https://aws.amazon.com/support.",
        "ThrottlingError",
        "RequestLimitExceeded",
        "ThrottlingReasons",
        reason,
        arn,
    )
