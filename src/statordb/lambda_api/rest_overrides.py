"""Where what Lambda, or this server, takes differs from the letter of the service model."""

import re

from statordb.model.function_limits import (
    FUNCTION_MEMORY_MB_MAX,
    FUNCTION_MEMORY_MB_MIN,
    FUNCTION_STORAGE_MB_MAX,
    FUNCTION_TIMEOUT_SECONDS_MAX,
)

RANGES: dict[str, tuple[int | None, int | None]] = {
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

# Destinations may be directories and URLs here, which the service model's patterns for ARNs refuse.
_ANY = frozenset({"DestinationArn", "ResourceArn"})
# AWS's regions only, in the model; tables live in any region here.
_REGION = re.escape(r"(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}")
_REGION_HERE = "[A-Za-z0-9-]{1,64}"
# Java's classes of characters, inside brackets: letters, separators, numbers.
_CLASSES = {r"\p{L}": r"\w", r"\p{Z}": "\\s", r"\p{N}": r"\w"}


def pattern_of(shape: str, text: str) -> re.Pattern[str] | None:
    """The pattern of a shape, as Python has it; None for none."""
    if not text or shape in _ANY:
        return None
    ascii_only = r"\p{" not in text
    text = re.sub(_REGION, lambda _: _REGION_HERE, text)
    for theirs, ours in _CLASSES.items():
        text = text.replace(theirs, ours)
    return re.compile(text, re.ASCII if ascii_only else 0)
