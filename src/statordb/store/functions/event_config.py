"""How asynchronous invocations of a function are treated: retries, age, and who is told of their end.

What PutFunctionEventInvokeConfig sets is kept with the function's options under its own name; the dead-letter target is
a part of the function's configuration.
"""

from typing import NamedTuple

from statordb.model.function_limits import EVENT_AGE_SECONDS_MAX, EVENT_RETRIES_MAX
from statordb.store.functions.catalog import FunctionRecord

OPTION = "EventInvokeConfig"


class EventConfig(NamedTuple):
    """Destinations are "" where there are none."""

    retries_max: int
    age_seconds_max: int
    dead_letter: str
    on_failure: str
    on_success: str


def event_config(record: FunctionRecord) -> EventConfig:
    """A function's own, with Lambda's defaults."""
    set_ = record.options.get(OPTION, {})
    destinations = set_.get("DestinationConfig", {})
    return EventConfig(
        set_.get("MaximumRetryAttempts", EVENT_RETRIES_MAX),
        set_.get("MaximumEventAgeInSeconds", EVENT_AGE_SECONDS_MAX),
        record.options.get("DeadLetterConfig", {}).get("TargetArn", ""),
        destinations.get("OnFailure", {}).get("Destination", ""),
        destinations.get("OnSuccess", {}).get("Destination", ""),
    )
