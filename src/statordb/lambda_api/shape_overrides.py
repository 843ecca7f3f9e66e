"""Where what Lambda, or this server, takes differs from the letter of the service model."""

from statordb.model.function_limits import (
    FUNCTION_MEMORY_MB_MAX,
    FUNCTION_MEMORY_MB_MIN,
    FUNCTION_STORAGE_MB_MAX,
    FUNCTION_TIMEOUT_SECONDS_MAX,
)
from statordb.shapes.overrides import Overrides

_RANGES: dict[str, tuple[int | None, int | None]] = {
    "Timeout": (1, FUNCTION_TIMEOUT_SECONDS_MAX),  # the model's maximum is that of durable functions
    "MemorySize": (FUNCTION_MEMORY_MB_MIN, FUNCTION_MEMORY_MB_MAX),  # and of managed instances
    "EphemeralStorageSize": (512, FUNCTION_STORAGE_MB_MAX),
}

ENUMS_OPEN = frozenset({"Runtime"})
"""Enums whose fault alone is an InvalidParameterValueException."""

FREE: dict[str, frozenset[str]] = {
    "CreateEventSourceMapping": frozenset({"FunctionName"}),
    "UpdateEventSourceMapping": frozenset({"FunctionName"}),
    "ListEventSourceMappings": frozenset({"FunctionName"}),
}
"""Members that their operation checks itself: the function of a mapping may be an http(s) URL."""

LAMBDA = Overrides(
    ranges=_RANGES,
    # AWS's regions only, in the model; tables live in any region here.
    pattern_parts={r"(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}": "[A-Za-z0-9-]{1,64}"},
    # Destinations may be directories and URLs here, which the service model's patterns for ARNs refuse.
    patternless=frozenset({"DestinationArn", "ResourceArn"}),
)
