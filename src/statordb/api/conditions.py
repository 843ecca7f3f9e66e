"""The expressions and legacy conditions of a request, read in AWS's order."""

from collections.abc import Collection, Mapping
from typing import Any

from statordb.api.context import Request
from statordb.expressions import legacy
from statordb.expressions.bound import Condition, KeyCondition, Projection, Update
from statordb.expressions.placeholders import Placeholders
from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.model.values import check


def placeholders(request: Request) -> Placeholders:
    """Names and values of a request; the values are validated and normalised here."""
    values = request.get("ExpressionAttributeValues")
    bound = Placeholders(request.get("ExpressionAttributeNames"), values)
    if values:
        for name, value in values.items():
            try:
                check(value)
            except ClientError as fault:
                raise errors.validation(
                    f"ExpressionAttributeValues contains invalid value: {fault.message} for key {name}"
                ) from None
    return bound


def condition(request: Request, bound: Placeholders) -> Condition | None:
    """ConditionExpression, or Expected."""
    text = request.get("ConditionExpression")
    if text is not None:
        return bound.condition("ConditionExpression", text)
    expected, operator = request.get("Expected"), request.get("ConditionalOperator")
    if not expected and operator is None:
        return None
    _check_operands(expected)
    return legacy.expected(expected, operator)


def row_filter(request: Request, bound: Placeholders, legacy_member: str) -> Condition | None:
    """FilterExpression, or the legacy member (QueryFilter or ScanFilter)."""
    text = request.get("FilterExpression")
    if text is not None:
        return bound.condition("FilterExpression", text)
    given, operator = request.get(legacy_member), request.get("ConditionalOperator")
    if not given and operator is None:
        return None
    _check_operands(given)
    return legacy.query_filter(given, operator)


def update(request: Request, bound: Placeholders) -> Update | None:
    """UpdateExpression, or AttributeUpdates."""
    text = request.get("UpdateExpression")
    if text is not None:
        return bound.update(text)
    updates = request.get("AttributeUpdates")
    if not updates:
        return None
    _check_operands(updates)
    return legacy.attribute_updates(updates)


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
    _check_operands(request["KeyConditions"])
    return legacy.key_conditions(request["KeyConditions"])


def _refuse_empty_name(names: Collection[str] | None) -> None:
    if names and "" in names:
        raise errors.validation("Empty attribute name")


def _check_operands(conditions: Mapping[str, Any] | None) -> None:
    """Validate and normalise the values of legacy conditions or updates, and refuse empty attribute names."""
    _refuse_empty_name(conditions)
    for operands in (conditions or {}).values():
        if "Value" in operands:
            check(operands["Value"])
        for value in operands.get("AttributeValueList") or ():
            check(value)
