"""The expressions and legacy conditions of a request, read in AWS's order."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from statordb.api.context import Request
from statordb.expressions import legacy
from statordb.expressions.bound import Condition, KeyCondition, Projection, UpdateExpression
from statordb.expressions.given import placeholders as placeholders
from statordb.expressions.placeholders import Placeholders
from statordb.model import errors
from statordb.model.budget import Budget
from statordb.model.limits import LEGACY_VALUES_BYTES_MAX
from statordb.model.values import check


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
