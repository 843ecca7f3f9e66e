"""The names and values that a request gives its expressions, with the values checked."""

from collections.abc import Mapping
from typing import Any

from statordb.expressions.placeholders import Placeholders
from statordb.model import errors
from statordb.model.budget import UNBOUNDED, Budget
from statordb.model.errors import ClientError
from statordb.model.limits import EXPRESSION_PLACEHOLDERS_BYTES_MAX
from statordb.model.values import check


def placeholders(request: Mapping[str, Any], budget: Budget = UNBOUNDED, further_levels: int = 0) -> Placeholders:
    """Names and values of a request; the values are validated and normalised here.

    `budget`: what the request's expressions spend of, legacy ones included. `further_levels`: as of `values.check`.
    """
    values = request.get("ExpressionAttributeValues")
    bound = Placeholders(request.get("ExpressionAttributeNames"), values, budget)
    if values:
        _check_values(values, bound, further_levels)
    return bound


def _check_values(values: Mapping[str, Any], bound: Placeholders, further_levels: int) -> None:
    room = EXPRESSION_PLACEHOLDERS_BYTES_MAX
    for name, value in values.items():
        try:
            room -= check(value, room, further_levels)
        except errors.NestedTooDeeply:
            raise
        except ClientError as fault:
            raise errors.validation_as_it_is(
                f"ExpressionAttributeValues contains invalid value: {fault.message} for key {name}", fault.detected
            ) from None
        if room < 0:
            raise errors.parameter_too_large("ExpressionAttributeValues")
    if room < bound.name_bytes:
        raise errors.parameter_too_large("Combined size of ExpressionAttributeNames and ExpressionAttributeValues")
