"""The expressions and legacy conditions of a request, read in AWS's order."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from statordb.api.context import Request
from statordb.expressions import legacy
from statordb.expressions.bound import Condition, KeyCondition, Projection, UpdateExpression
from statordb.expressions.placeholders import Placeholders
from statordb.model import errors
from statordb.model.budget import UNBOUNDED, Budget
from statordb.model.errors import ClientError
from statordb.model.limits import EXPRESSION_PLACEHOLDERS_BYTES_MAX, LEGACY_VALUES_BYTES_MAX
from statordb.model.values import check


def placeholders(request: Request, budget: Budget = UNBOUNDED, further_levels: int = 0) -> Placeholders:
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


def condition(request: Request, bound: Placeholders) -> Condition | None:
    """ConditionExpression, or Expected."""
    return _condition(request, bound, "ConditionExpression", "Expected", legacy.expected)


def row_filter(request: Request, bound: Placeholders, legacy_member: str) -> Condition | None:
    """FilterExpression, or the legacy member (QueryFilter or ScanFilter)."""
    return _condition(request, bound, "FilterExpression", legacy_member, legacy.query_filter)


def _condition(
    request: Request,
    bound: Placeholders,
    parameter: str,
    legacy_member: str,
    read: Callable[[Mapping[str, Any] | None, str | None, Budget], Condition],
) -> Condition | None:
    text = request.get(parameter)
    if text is not None:
        return bound.condition(parameter, text)
    given, operator = request.get(legacy_member), request.get("ConditionalOperator")
    if not given and operator is None:
        return None
    _check_operands(legacy_member, given)
    return read(given, operator, bound.budget)


def update(request: Request, bound: Placeholders) -> UpdateExpression | None:
    """UpdateExpression, or AttributeUpdates."""
    text = request.get("UpdateExpression")
    if text is not None:
        return bound.update(text)
    updates = request.get("AttributeUpdates")
    if not updates:
        return None
    _check_operands("AttributeUpdates", updates)
    return legacy.attribute_updates(updates, bound.budget)


def projection(request: Request, bound: Placeholders) -> Projection | None:
    """ProjectionExpression, or AttributesToGet."""
    text = request.get("ProjectionExpression")
    if text is not None:
        return bound.projection(text)
    names = request.get("AttributesToGet")
    if not names:
        return None
    _refuse_empty_name(names)
    return legacy.attributes_to_get(names)


def key_condition(request: Request, bound: Placeholders) -> KeyCondition:
    """KeyConditionExpression, or KeyConditions."""
    text = request.get("KeyConditionExpression")
    if text is not None:
        return bound.key_condition(text)
    if not request["KeyConditions"]:
        raise errors.validation("Conditions can be of length 1 or 2 only")
    _check_operands("KeyConditions", request["KeyConditions"])
    return legacy.key_conditions(request["KeyConditions"])


def _refuse_empty_name(names: Collection[str] | None) -> None:
    if names and "" in names:
        raise errors.validation("Empty attribute name")


def _check_operands(parameter: str, conditions: Mapping[str, Any] | None) -> None:
    """Validate and normalise the values of legacy conditions or updates; refuse empty attribute names, and too many."""
    if not conditions:
        return
    _refuse_empty_name(conditions)
    legacy.refuse_many(conditions)
    room = LEGACY_VALUES_BYTES_MAX
    for operands in conditions.values():
        if "Value" in operands:
            room -= check(operands["Value"], room)
        for value in operands.get("AttributeValueList") or ():
            room -= check(value, room)
            if room < 0:
                break
        if room < 0:
            raise errors.parameter_too_large(parameter)
