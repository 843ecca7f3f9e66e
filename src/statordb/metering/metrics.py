"""The metrics that CloudWatch has of tables and functions: their namespaces, units and dimensions, and of what they are
made. Sources: developer guide of DynamoDB, "DynamoDB metrics and dimensions"; of Lambda, "Types of metrics"; CloudWatch
user guide, "AWS usage metrics". Pure.
"""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import NamedTuple

from statordb.metering import series as words
from statordb.metering.series import FREE, Series

DYNAMODB, LAMBDA, USAGE = "AWS/DynamoDB", "AWS/Lambda", "AWS/Usage"
TABLE_NAME, INDEX_NAME, OPERATION, FUNCTION_NAME = "TableName", "GlobalSecondaryIndexName", "Operation", "FunctionName"
STREAM_LABEL, SOURCE = "StreamLabel", "Source"
_CUSTOMER = "Customer"  # the Source of what clients write
_COUNT, _MILLISECONDS, _BYTES, _PERCENT = "Count", "Milliseconds", "Bytes", "Percent"


class Made(Enum):
    """What a metric is made of."""

    COUNTED = "counted"  # what the ledger has of a subject
    CAPACITY = "capacity"  # what a table, or index, is provisioned with
    ACCOUNT = "account"  # what all tables of an account are provisioned with


class By(Enum):
    """By what series of a metric are told apart, beside whose they are."""

    NOTHING = "nothing"
    INDEX = "index"
    OPERATION = "operation"
    STREAM = "stream"


class Metric(NamedTuple):
    """`kind`: of its subjects. `idle`: it is 0 while nothing is counted, as long as the subject is there."""

    unit: str
    by: By = By.NOTHING
    made: Made = Made.COUNTED
    kind: str = words.TABLE
    idle: bool = False


THROTTLE_EVENTS = tuple(
    f"{way}{reason}ThrottleEvents"
    for way in ("Read", "Write")
    for reason in ("", "AccountLimit", "KeyRangeThroughput", "MaxOnDemandThroughput", "ProvisionedThroughput")
)

TABLES: Mapping[str, Metric] = {
    words.READ_UNITS: Metric(_COUNT, By.INDEX, idle=True),
    words.WRITE_UNITS: Metric(_COUNT, By.INDEX, idle=True),
    "ProvisionedReadCapacityUnits": Metric(_COUNT, By.INDEX, Made.CAPACITY),
    "ProvisionedWriteCapacityUnits": Metric(_COUNT, By.INDEX, Made.CAPACITY),
    "OnDemandMaxReadRequestUnits": Metric(_COUNT, By.INDEX, Made.CAPACITY),
    "OnDemandMaxWriteRequestUnits": Metric(_COUNT, By.INDEX, Made.CAPACITY),
    **{name: Metric(_COUNT, By.INDEX) for name in THROTTLE_EVENTS},
    "ThrottledRequests": Metric(_COUNT, By.OPERATION),
    "SuccessfulRequestLatency": Metric(_MILLISECONDS, By.OPERATION),
    "SystemErrors": Metric(_COUNT, By.OPERATION),
    "ReturnedItemCount": Metric(_COUNT, By.OPERATION),
    "ReturnedBytes": Metric(_BYTES, By.STREAM),
    "ReturnedRecordsCount": Metric(_COUNT, By.STREAM),
    "ConditionalCheckFailedRequests": Metric(_COUNT),
    "TransactionConflict": Metric(_COUNT),
    words.EXPIRED_ITEMS: Metric(_COUNT),
}
ACCOUNTS: Mapping[str, Metric] = {
    "UserErrors": Metric(_COUNT, kind=words.ACCOUNT),
    "AccountMaxReads": Metric(_COUNT, made=Made.ACCOUNT, kind=words.ACCOUNT),
    "AccountMaxWrites": Metric(_COUNT, made=Made.ACCOUNT, kind=words.ACCOUNT),
    "AccountMaxTableLevelReads": Metric(_COUNT, made=Made.ACCOUNT, kind=words.ACCOUNT),
    "AccountMaxTableLevelWrites": Metric(_COUNT, made=Made.ACCOUNT, kind=words.ACCOUNT),
    "AccountProvisionedReadCapacityUtilization": Metric(_PERCENT, made=Made.ACCOUNT, kind=words.ACCOUNT),
    "AccountProvisionedWriteCapacityUtilization": Metric(_PERCENT, made=Made.ACCOUNT, kind=words.ACCOUNT),
    "MaxProvisionedTableReadCapacityUtilization": Metric(_PERCENT, made=Made.ACCOUNT, kind=words.ACCOUNT),
    "MaxProvisionedTableWriteCapacityUtilization": Metric(_PERCENT, made=Made.ACCOUNT, kind=words.ACCOUNT),
}
FUNCTIONS: Mapping[str, Metric] = {
    "Invocations": Metric(_COUNT, kind=words.FUNCTION),
    "Errors": Metric(_COUNT, kind=words.FUNCTION),
    "Throttles": Metric(_COUNT, kind=words.FUNCTION),
    "Duration": Metric(_MILLISECONDS, kind=words.FUNCTION),
    "IteratorAge": Metric(_MILLISECONDS, kind=words.FUNCTION),
    "ConcurrentExecutions": Metric(_COUNT, kind=words.FUNCTION),
}
USED: Mapping[str, Metric] = {
    name: Metric(_COUNT, made=Made.ACCOUNT, kind=words.ACCOUNT)
    for name in ("TableCount", "AccountProvisionedReadCapacityUnits", "AccountProvisionedWriteCapacityUnits")
}
RESOURCE_COUNT = "ResourceCount"  # the name of all of those, of which the dimension Resource tells which one


class Source(NamedTuple):
    """Where the figures of a metric are: `metric`, under its own name; `name`: of the table or function, "" of an
    account; `within`: the index, or the stream, whose they are, "" for the
    table's own."""

    metric: str
    told: Metric
    name: str = ""
    within: str = ""
    operation: str = ""

    def has(self, series: Series) -> bool:
        """Whether a series of the subject is part of it."""
        if series.metric != self.metric or series.kind in FREE:
            return False
        if self.told.by is By.INDEX:
            return series.index == self.within or (not self.within and series.local)
        return series.operation == self.operation and (not self.within or series.index == self.within)


def source_of(namespace: str, metric: str, dimensions: Mapping[str, str]) -> Source | None:
    """What is meant by a metric and its dimensions; None for what is not there, and never will be."""
    given = dict(dimensions)
    if namespace == USAGE:
        resource = given.pop("Resource", metric)
        told = USED.get(resource)
        fits = given.pop("Service", "DynamoDB") == "DynamoDB" and given.pop("Type", "Resource") == "Resource"
        fits = fits and given.pop("Class", "None") == "None" and metric in (RESOURCE_COUNT, resource)
        return None if told is None or given or not fits else Source(resource, told)
    if namespace == LAMBDA:
        function, told = given.pop(FUNCTION_NAME, ""), FUNCTIONS.get(metric)
        resource = given.pop("Resource", function)
        return None if told is None or given or not function or resource != function else Source(metric, told, function)
    if namespace != DYNAMODB:
        return None
    if metric in ACCOUNTS:
        return None if given else Source(metric, ACCOUNTS[metric])
    told, table = TABLES.get(metric), given.pop(TABLE_NAME, "")
    return None if told is None or not table else _of_table(metric, told, table, given)


def _of_table(metric: str, told: Metric, table: str, given: dict[str, str]) -> Source | None:
    index = operation = ""
    if told.by is By.INDEX:
        index = given.pop(INDEX_NAME, "")
        if metric == words.WRITE_UNITS and given.pop(SOURCE, _CUSTOMER) != _CUSTOMER:
            return None
    elif told.by is not By.NOTHING:
        operation = given.pop(OPERATION, "")
        if not operation:
            return None
        if told.by is By.STREAM:
            index = given.pop(STREAM_LABEL, "")
    return None if given else Source(metric, told, table, index, operation)


class Shown(NamedTuple):
    """A metric as ListMetrics tells it."""

    namespace: str
    metric: str
    dimensions: Mapping[str, str]


def of_series(subject: words.Subject, series: Series) -> Shown | None:
    """The metric that a series of a subject is part of; None for what CloudWatch does not have."""
    if subject.kind == words.ACCOUNT:
        return Shown(DYNAMODB, series.metric, {}) if series.metric in ACCOUNTS else None
    if subject.kind == words.FUNCTION:
        return Shown(LAMBDA, series.metric, {FUNCTION_NAME: subject.name}) if series.metric in FUNCTIONS else None
    told = TABLES.get(series.metric) if subject.kind == words.TABLE else None
    if told is None or series.kind in FREE:
        return None
    dimensions = {TABLE_NAME: subject.name}
    if told.by is By.INDEX and series.index and not series.local:
        dimensions[INDEX_NAME] = series.index
    elif told.by in (By.OPERATION, By.STREAM):
        dimensions[OPERATION] = series.operation
        if told.by is By.STREAM:
            dimensions[STREAM_LABEL] = series.index
    return Shown(DYNAMODB, series.metric, dimensions)


def of_accounts() -> Iterator[Shown]:
    """What every account has that has tables."""
    for name, told in ACCOUNTS.items():
        if told.made is Made.ACCOUNT:
            yield Shown(DYNAMODB, name, {})
    for name in USED:
        usage = {"Type": "Resource", "Resource": name, "Service": "DynamoDB", "Class": "None"}
        yield Shown(USAGE, RESOURCE_COUNT, usage)
