"""What CreateFunction and UpdateFunctionConfiguration have in common: members of a configuration, into the record."""

from typing import Any

import orjson

from statordb.lambda_api import errors
from statordb.lambda_api.context import Context
from statordb.model.function_limits import FUNCTION_ENVIRONMENT_BYTES_MAX
from statordb.store.functions.catalog import FunctionRecord

# Kept and shown again, though they change nothing here.
OPTIONS = (
    "Architectures",
    "DeadLetterConfig",
    "EphemeralStorage",
    "KMSKeyArn",
    "LoggingConfig",
    "SnapStart",
    "TracingConfig",
    "VpcConfig",
)
# What a function may need to run, or its owner to rely on, and is not there: better said than dropped.
REFUSED = (
    "AcceleratorConfig",
    "CapacityProviderConfig",
    "CodeSigningConfigArn",
    "DurableConfig",
    "FileSystemConfigs",
    "ImageConfig",
    "Layers",
    "PublishTo",
    "RuntimeConfig",
    "TenancyConfig",
)
# Set by the server. Developer guide, "Defined runtime environment variables".
RESERVED_VARIABLES = frozenset(
    {
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
    }
)

_FIELDS = {
    "Description": "description",
    "Handler": "handler",
    "MemorySize": "memory_mb",
    "Role": "role",
    "Runtime": "runtime",
    "Timeout": "timeout_seconds",
}
_ENVIRONMENT = (
    "Lambda was unable to configure your environment variables because the environment variables you have provided"
)


def changes(context: Context, request: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """Fields of a FunctionRecord that the members of a request set, `options` being the present ones.

    Raises InvalidParameterValueException.
    """
    refuse_unsupported(request)
    context.must_reach(request.get("DeadLetterConfig", {}).get("TargetArn", ""))
    fields: dict[str, Any] = {field: request[name] for name, field in _FIELDS.items() if name in request}
    if "Environment" in request:
        fields["environment"] = _environment(request["Environment"].get("Variables", {}))
    given = {name: request[name] for name in OPTIONS if name in request}
    if given:
        fields["options"] = {**options, **given}
    return fields


def refuse_unsupported(request: dict[str, Any]) -> None:
    for name in REFUSED:
        if request.get(name):
            raise errors.invalid_parameter(f"{name} is not supported by this server.")


def check_revision(record: FunctionRecord, request: dict[str, Any]) -> bool:
    """Whether the request's RevisionId, if it has one, is the present one."""
    return request.get("RevisionId") in (None, "", record.revision)


def _environment(variables: dict[str, str]) -> dict[str, str]:
    reserved = sorted(RESERVED_VARIABLES & variables.keys())
    if reserved:
        raise errors.invalid_parameter(
            f"{_ENVIRONMENT} contains reserved keys that are currently not supported for modification. Reserved keys "
            f"used in this request: {', '.join(reserved)}"
        )
    if any("\0" in value for value in variables.values()):
        raise errors.invalid_parameter(f"{_ENVIRONMENT} contains a null character, which no process can be given.")
    measured = orjson.dumps(variables)
    if len(measured) > FUNCTION_ENVIRONMENT_BYTES_MAX:
        raise errors.invalid_parameter(f"{_ENVIRONMENT} exceeded the 4KB limit. String measured: {measured.decode()}")
    return variables
