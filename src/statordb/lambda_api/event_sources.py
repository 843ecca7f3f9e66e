"""Event source mappings as Lambda's API takes and shows them.

Sources: API reference, CreateEventSourceMapping; developer guide, "Lambda parameters for Amazon DynamoDB event source
mappings".
"""

from typing import Any

from statordb.commands.stream_readers import lasting_arn
from statordb.expressions import event_patterns
from statordb.lambda_api import errors
from statordb.lambda_api.context import Context
from statordb.lambda_api.tags import check_tags
from statordb.model.arns import StreamName, parse_stream
from statordb.model.function_limits import (
    MAPPING_FILTERS_MAX,
    MAPPING_RECORD_AGE_SECONDS_MAX,
    MAPPING_RECORD_AGE_SECONDS_MIN,
)
from statordb.model.request import Principal
from statordb.outbound import external
from statordb.store.functions.mappings import FOREVER, MappingRecord, is_url
from statordb.store.streams import Stream

REPORTS_FAILURES = "ReportBatchItemFailures"

# Kept and shown again, though they change nothing here.
OPTIONS = ("KMSKeyArn", "LoggingConfig", "MetricsConfig")
# Parameters of other event sources.
FOREIGN = (
    "AmazonManagedKafkaEventSourceConfig",
    "DocumentDBEventSourceConfig",
    "ProvisionedPollerConfig",
    "Queues",
    "ScalingConfig",
    "SelfManagedEventSource",
    "SelfManagedKafkaEventSourceConfig",
    "SourceAccessConfigurations",
    "StartingPositionTimestamp",
    "Topics",
)

_FIELDS = {
    "BatchSize": "batch_size",
    "BisectBatchOnFunctionError": "bisects",
    "Enabled": "enabled",
    "MaximumBatchingWindowInSeconds": "batching_seconds",
    "MaximumRecordAgeInSeconds": "age_seconds_max",
    "MaximumRetryAttempts": "retries_max",
    "ParallelizationFactor": "lanes",
    "Tags": "tags",
    "TumblingWindowInSeconds": "window_seconds",
}


def changes(context: Context, request: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """Fields of a MappingRecord that the members of a request set, all but its stream and function; `options` are the
    present ones. Raises InvalidParameterValueException."""
    for name in FOREIGN:
        if request.get(name):
            raise errors.invalid_parameter(f"{name} is not a parameter of DynamoDB event sources.")
    fields: dict[str, Any] = {field: request[name] for name, field in _FIELDS.items() if name in request}
    age = fields.get("age_seconds_max", FOREVER)
    if age != FOREVER and age < MAPPING_RECORD_AGE_SECONDS_MIN:
        raise errors.invalid_parameter(
            "MaximumRecordAgeInSeconds must be either -1 (forever) or between "
            f"{MAPPING_RECORD_AGE_SECONDS_MIN} and {MAPPING_RECORD_AGE_SECONDS_MAX} (inclusive)"
        )
    check_tags(fields.get("tags", {}))
    if "FilterCriteria" in request:
        fields["patterns"] = _patterns(request["FilterCriteria"])
    if "FunctionResponseTypes" in request:
        fields["reports_failures"] = REPORTS_FAILURES in request["FunctionResponseTypes"]
    if "DestinationConfig" in request:
        fields["destination"] = _destination(context, request["DestinationConfig"])
    given = {name: request[name] for name in OPTIONS if name in request}
    return {**fields, "options": {**options, **given}} if given else fields


def _patterns(criteria: dict[str, Any]) -> list[str]:
    patterns = [chosen.get("Pattern", "") for chosen in criteria.get("Filters", ())]
    if len(patterns) > MAPPING_FILTERS_MAX:
        raise errors.invalid_parameter(f"An event source mapping can have at most {MAPPING_FILTERS_MAX} filters.")
    for pattern in patterns:
        try:
            event_patterns.compile(pattern)
        except event_patterns.BadPattern:
            raise errors.invalid_parameter("Invalid filter pattern definition.") from None
    return patterns


def _destination(context: Context, config: dict[str, Any]) -> str | None:
    if config.get("OnSuccess"):
        raise errors.invalid_parameter("Unsupported DestinationConfig parameter for given event source mapping type.")
    destination: str = config.get("OnFailure", {}).get("Destination", "")
    if not destination:
        return None
    try:
        context.check_destination(destination)
    except ValueError as fault:
        raise errors.invalid_parameter(str(fault)) from None
    return destination


async def function_of(context: Context, text: str) -> str:
    """What a mapping keeps of its FunctionName: an ARN, or the URL that it is.

    Raises InvalidParameterValueException if there is no such function.
    """
    if is_url(text):
        try:
            external.check(text)
            context.check_destination(text)
        except ValueError as fault:
            raise errors.invalid_parameter(str(fault)) from None
        return text
    name = context.name(text)
    if await context.store.functions.find(name.account, name.region, name.name) is None:
        raise errors.invalid_parameter("Function does not exist")
    name.must_be_latest()
    return name.qualified_arn


def reader_of(principal: Principal) -> str | None:
    """What a mapping keeps of who has set its function; None where nobody is asked for permission."""
    return None if principal.authority is None else lasting_arn(principal)


def stream_name(arn: str) -> StreamName:
    """What the ARN of a table's stream says. Raises InvalidParameterValueException for every other event source."""
    name = parse_stream(arn)
    if name is None and arn.startswith("arn:") and not arn.split(":")[2:3] == ["dynamodb"]:
        raise errors.invalid_parameter(f"Only DynamoDB streams can be event sources here, and this is none: {arn}")
    if name is None:
        raise errors.invalid_parameter("Unrecognized event source.")
    return name


async def stream_of(context: Context, arn: str) -> Stream:
    """The stream of an EventSourceArn, of the caller's account and region. Raises InvalidParameterValueException."""
    name = stream_name(arn)
    stream = None
    if name[:2] == (context.principal.account, context.principal.region):
        stream = await context.store.streams.find(*name)
    if stream is None:
        raise errors.invalid_parameter(f"Stream not found: {arn}")
    return stream


async def mapping_of(context: Context, uuid: str) -> MappingRecord:
    """The mapping of a UUID; raises ResourceNotFoundException."""
    principal = context.principal
    record = await context.store.mappings.find(principal.account, principal.region, uuid)
    if record is None:
        raise errors.nothing_set()
    return record


def taken(record: MappingRecord, uuid: str) -> errors.LambdaError:
    """Another mapping has the stream and the function that a mapping would have."""
    is_arn = record.function.startswith("arn:")
    function = record.function.split(":")[6] if is_arn else record.function
    return errors.conflict(
        f'The event source arn (" {record.stream_arn} ") and function (" {function} ") provided mapping already '
        f"exists. Please update or delete the existing mapping with UUID {uuid}"
    )


def shown(record: MappingRecord) -> dict[str, Any]:
    """EventSourceMappingConfiguration of the service model."""
    return {
        "UUID": record.uuid,
        "EventSourceMappingArn": record.arn,
        "EventSourceArn": record.stream_arn,
        "FunctionArn": record.function,
        "StartingPosition": record.starting_position,
        "BatchSize": record.batch_size,
        "MaximumBatchingWindowInSeconds": record.batching_seconds,
        "ParallelizationFactor": record.lanes,
        "FilterCriteria": {"Filters": [{"Pattern": text} for text in record.patterns]} if record.patterns else None,
        "LastModified": record.modified_at,
        "LastProcessingResult": record.result,
        "State": record.state,
        "StateTransitionReason": record.reason,
        "DestinationConfig": {"OnFailure": {"Destination": record.destination} if record.destination else {}},
        "MaximumRecordAgeInSeconds": record.age_seconds_max,
        "BisectBatchOnFunctionError": record.bisects,
        "MaximumRetryAttempts": record.retries_max,
        "TumblingWindowInSeconds": record.window_seconds,
        "FunctionResponseTypes": [REPORTS_FAILURES] if record.reports_failures else [],
        **record.options,
    }
