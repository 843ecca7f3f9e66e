"""From when until when metrics are asked for."""

from math import ceil, floor

from statordb.cloudwatch_api import errors
from statordb.cloudwatch_api.context import Context, Request

DAY_SECONDS = 86_400
_ROUNDED = (
    (63 * DAY_SECONDS, 3600),
    (15 * DAY_SECONDS, 300),
)  # what is older begins with a multiple of so many seconds
_LAST = 4_102_444_800.0  # the end of 2099: nothing is counted for later


def span_of(context: Context, request: Request) -> tuple[int, int]:
    """StartTime and EndTime, in whole seconds. Raises InvalidParameterValue."""
    since, until = request["StartTime"], request["EndTime"]
    for name, at in (("StartTime", since), ("EndTime", until)):
        if not 0 <= at <= _LAST:
            raise errors.invalid_value(f"The parameter {name} is not a time that there are metrics of.")
    if since >= until:
        raise errors.invalid_value("The parameter StartTime must be less than the parameter EndTime.")
    age = context.now() - since
    multiple = next((each for seconds, each in _ROUNDED if age >= seconds), context.store.metrics.minute_seconds)
    return floor(since) // multiple * multiple, ceil(until)
