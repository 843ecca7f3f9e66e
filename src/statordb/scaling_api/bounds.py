"""The bounds that a capacity is scaled within."""

from statordb.model.scaling_limits import CAPACITY_MIN
from statordb.scaling_api import errors


def check(low: int | None, high: int | None) -> None:
    """Raises ValidationException. None is what is not given."""
    if low is not None and low < CAPACITY_MIN:
        raise errors.validation(f"Minimum capacity must be at least {CAPACITY_MIN} for DynamoDB")
    if high is not None and high < CAPACITY_MIN:
        raise errors.validation(f"Maximum capacity must be at least {CAPACITY_MIN} for DynamoDB")
    if low is not None and high is not None and low > high:
        raise errors.validation("Minimum capacity cannot be greater than maximum capacity")
