"""The legacy parameters: Expected, QueryFilter, ScanFilter, KeyConditions, AttributeUpdates, AttributesToGet.

They become the same trees as expressions do, so that one evaluator serves both. Values in them are checked and
normalised before; structure, enums and required members too. Source: developer guide, "Legacy DynamoDB parameters".
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from statordb.expressions.actions import WRONG_TYPE_LEGACY
from statordb.expressions.bound import Condition, KeyCondition, LegacyKeyCondition, Projection, UpdateExpression
from statordb.expressions.conditions import ORDERED_TYPES
from statordb.expressions.operands import tag
from statordb.expressions.paths import Value
from statordb.expressions.plans import ConditionPlan, ProjectionPlan, UpdatePlan
from statordb.expressions.syntax import (
    Action,
    Add,
    And,
    Between,
    Call,
    Comparison,
    ConditionNode,
    Delete,
    In,
    Literal,
    Not,
    Or,
    Path,
    Remove,
    Set,
    UpdateNode,
)
from statordb.model.budget import UNBOUNDED, Budget
from statordb.model.errors import (
    ClientError,
    invalid_parameters,
    quoted,
    too_many_conditions,
    too_many_names,
    validation,
    validation_as_it_is,
)
from statordb.model.limits import ATTRIBUTES_TO_GET_MAX, LEGACY_CONDITIONS_MAX
from statordb.model.values import compare

_COMPARATORS = {"EQ": "=", "NE": "<>", "LE": "<=", "LT": "<", "GE": ">=", "GT": ">"}
_ARGUMENT_COUNTS = {"NULL": 0, "NOT_NULL": 0, "BETWEEN": 2}  # 1 for others, but any number above 0 for IN
_SCALARS = frozenset(("S", "N", "B", "BOOL", "NULL"))
_ARGUMENT_TYPES = {
    "LE": ORDERED_TYPES,
    "LT": ORDERED_TYPES,
    "GE": ORDERED_TYPES,
    "GT": ORDERED_TYPES,
    "IN": ORDERED_TYPES,
    "BETWEEN": ORDERED_TYPES,
    "CONTAINS": _SCALARS,
    "NOT_CONTAINS": _SCALARS,
    "BEGINS_WITH": frozenset(("S", "B")),
}
_KEY_OPERATORS = frozenset(("EQ", "LE", "LT", "GE", "GT", "BEGINS_WITH", "BETWEEN"))
_ADD_TYPES = frozenset(("N", "SS", "NS", "BS", "L"))
_DELETE_TYPES = frozenset(("SS", "NS", "BS"))


def expected(
    expected: Mapping[str, Any] | None, conditional_operator: str | None, budget: Budget = UNBOUNDED
) -> Condition:
    """The Expected parameter of a write; None or empty: a condition that always holds. Raises ValidationException."""
    return _condition(expected, conditional_operator, _expectation, budget)


def query_filter(
    filter: Mapping[str, Any] | None, conditional_operator: str | None, budget: Budget = UNBOUNDED
) -> Condition:
    """QueryFilter or ScanFilter; None or empty: a condition that always holds. Raises ValidationException."""
    return _condition(filter, conditional_operator, _filter, budget)


def key_conditions(conditions: Mapping[str, Any]) -> KeyCondition:
    """The KeyConditions parameter of a Query. Raises ValidationException."""
    tests = []
    for name, condition in conditions.items():
        operator, arguments = condition["ComparisonOperator"], _arguments(condition)
        _check_arguments(operator, arguments)
        tests.append((name, operator, arguments))
    if any(operator not in _KEY_OPERATORS for _, operator, _ in tests):
        raise validation("Attempted conditional constraint is not an indexable operation")
    return LegacyKeyCondition(tests)


def attribute_updates(updates: Mapping[str, Any], budget: Budget = UNBOUNDED) -> UpdateExpression:
    """The AttributeUpdates parameter. Raises ValidationException."""
    node = UpdateNode((), tuple(_action(name, update) for name, update in updates.items()))
    return UpdateExpression(UpdatePlan(node, {}, WRONG_TYPE_LEGACY), {}, budget)


def refuse_many(members: Mapping[str, Any]) -> None:
    """Raises ValidationException where one of these parameters has more members than an expression has operators."""
    if len(members) > LEGACY_CONDITIONS_MAX:
        raise too_many_conditions(len(members))


def attributes_to_get(names: Sequence[str]) -> Projection:
    """The AttributesToGet parameter. Raises ValidationException for a name that is there twice."""
    if len(names) > ATTRIBUTES_TO_GET_MAX:
        raise too_many_names("AttributesToGet", len(names))
    seen = set()
    for name in names:
        if name in seen:
            raise invalid_parameters(f"Duplicate value in attribute name: {quoted(name)}")
        seen.add(name)
    return Projection(ProjectionPlan([(name,) for name in names]))


_CUTS_ONLY = ["ProjectionExpression"]  # which takes no values


def reject_mixed(
    request: Mapping[str, Any], expression_parameters: Sequence[str], legacy_parameters: Sequence[str]
) -> None:
    """Raises ValidationException where a request mixes expressions and legacy parameters, or has placeholders for none.

    Both sequences are in AWS's order for the operation: (UpdateExpression, ConditionExpression) and
    (AttributeUpdates, Expected, ConditionalOperator); (ProjectionExpression, FilterExpression,
    KeyConditionExpression) and (AttributesToGet, QueryFilter, ConditionalOperator, KeyConditions).
    """
    expressions = [name for name in expression_parameters if request.get(name) is not None]
    if expressions:
        # KeyConditions go with FilterExpression and ProjectionExpression, if not with KeyConditionExpression.
        free = "KeyConditions" if "KeyConditionExpression" not in expressions else None
        legacy = () if request.keys().isdisjoint(legacy_parameters) else legacy_parameters
        legacy = [name for name in legacy if name != free and request.get(name) is not None]
        if legacy:
            raise validation(
                "Can not use both expression and non-expression parameters in the same request: "
                f"Non-expression parameters: {{{', '.join(legacy)}}} "
                f"Expression parameters: {{{', '.join(expressions)}}}"
            )
    elif request.get("ExpressionAttributeNames") is not None:
        raise validation_as_it_is("ExpressionAttributeNames can only be specified when using expressions")
    if request.get("ExpressionAttributeValues") is not None and not (expressions and expressions != _CUTS_ONLY):
        users = [name for name in expression_parameters if name != "ProjectionExpression"]
        if users:
            told = "ExpressionAttributeValues can only be specified when using expressions"
            absent = f"{' and '.join(users)} {'are' if len(users) > 1 else 'is'} null"
            raise validation_as_it_is(f"{told}: {absent}", detected=told)


# Conditions


def _condition(
    members: Mapping[str, Any] | None,
    conditional_operator: str | None,
    build: Callable[[str, Mapping[str, Any]], ConditionNode],
    budget: Budget,
) -> Condition:
    if not members:
        if conditional_operator is not None:
            raise validation("ConditionalOperator cannot be used without Filter or Expected")
        return Condition(_ALWAYS, {}, budget)
    if len(members) == 1 and conditional_operator is not None:
        raise validation("ConditionalOperator can only be used when Filter or Expected has two or more elements")
    nodes = tuple(build(name, member) for name, member in members.items())
    if len(nodes) == 1:
        node = nodes[0]
    else:
        node = Or(nodes) if conditional_operator == "OR" else And(nodes)
    return Condition(ConditionPlan(node, {}), {}, budget)


_ALWAYS = ConditionPlan(And(()), {})


def _arguments(condition: Mapping[str, Any]) -> list[Value]:
    return condition.get("AttributeValueList") or []


def _filter(name: str, condition: Mapping[str, Any]) -> ConditionNode:
    operator, arguments = condition["ComparisonOperator"], _arguments(condition)
    _check_arguments(operator, arguments)
    return _test(name, operator, arguments)


def _expectation(name: str, condition: Mapping[str, Any]) -> ConditionNode:
    operator, exists = condition.get("ComparisonOperator"), condition.get("Exists")
    value, listed = condition.get("Value"), condition.get("AttributeValueList")
    if value is not None and listed is not None:
        raise _for_attribute("Value and AttributeValueList cannot be used together", name)
    if operator is None:
        if listed is not None:
            raise _for_attribute("AttributeValueList can only be used with a ComparisonOperator", name)
        return _existence(name, exists, value)
    if exists is not None:
        raise _for_attribute("Exists and ComparisonOperator cannot be used together", name)
    if value is None and listed is None and operator not in ("NULL", "NOT_NULL"):
        raise _for_attribute(f"Value or AttributeValueList must be used with ComparisonOperator: {operator}", name)
    arguments = [value] if value is not None else listed or []
    _check_arguments(operator, arguments)
    return _test(name, operator, arguments)


def _existence(name: str, exists: bool | None, value: Value | None) -> ConditionNode:
    if exists is None or exists:
        if value is None:
            raise _for_attribute(f"Value must be provided when Exists is {'true' if exists else 'null'}", name)
        return Comparison("=", Path((name,)), Literal(value))
    if value is not None:
        raise _for_attribute("Value cannot be used when Exists is false", name)
    return Call("attribute_not_exists", (Path((name,)),))


def _for_attribute(problem: str, name: str) -> ClientError:
    return invalid_parameters(f"{problem} for Attribute: {quoted(name)}")


def _check_arguments(operator: str, arguments: list[Value]) -> None:
    count = len(arguments)
    if count == 0 if operator == "IN" else count != _ARGUMENT_COUNTS.get(operator, 1):
        raise invalid_parameters(f"Invalid number of argument(s) for the {operator} ComparisonOperator")
    types = [tag(argument) for argument in arguments]
    if any(type_ != types[0] for type_ in types):
        raise invalid_parameters("AttributeValues inside AttributeValueList must be of same type")
    allowed = _ARGUMENT_TYPES.get(operator)
    if allowed is not None and types[0] not in allowed:
        raise invalid_parameters(f"ComparisonOperator {operator} is not valid for {types[0]} AttributeValue type")
    if operator == "BETWEEN" and compare(arguments[0], arguments[1]) > 0:
        raise validation(
            "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"
        )


def _test(name: str, operator: str, arguments: list[Value]) -> ConditionNode:
    path = Path((name,))
    literals = tuple(Literal(argument) for argument in arguments)
    comparator = _COMPARATORS.get(operator)
    if comparator is not None:
        return Comparison(comparator, path, literals[0])
    if operator == "BETWEEN":
        return Between(path, literals[0], literals[1])
    if operator == "IN":
        return In(path, literals)
    exists = Call("attribute_exists", (path,))
    if operator == "NOT_CONTAINS":  # a missing attribute neither contains nor does not contain
        return And((exists, Not(Call("contains", (path, *literals)))))
    if operator == "NULL":
        return Not(exists)
    return exists if operator == "NOT_NULL" else Call(operator.lower(), (path, *literals))


# Updates


def _action(name: str, update: Mapping[str, Any]) -> Action:
    action, value = update.get("Action") or "PUT", update.get("Value")
    path = Path((name,))
    if value is None:
        if action != "DELETE":
            raise invalid_parameters("Only DELETE action is allowed when no attribute value is specified")
        return Remove(path)
    type_ = tag(value)
    if action == "DELETE":
        if type_ not in _DELETE_TYPES:
            raise invalid_parameters(f"DELETE action with value is not supported for the type {type_}")
        return Delete(path, Literal(value))
    if action == "ADD":
        if type_ not in _ADD_TYPES:
            raise invalid_parameters(f"ADD action is not supported for the type {type_}")
        return Add(path, Literal(value))
    return Set(path, Literal(value))
