"""ExpressionAttributeNames and ExpressionAttributeValues of a request, and the expressions bound to them."""

import re

from statordb.expressions.bound import Condition, KeyCondition, Projection, UpdateExpression
from statordb.expressions.faults import Fault
from statordb.expressions.paths import Value
from statordb.expressions.plans import CONDITIONS, KEY_CONDITIONS, PROJECTIONS, UPDATES, Plan
from statordb.model.budget import UNBOUNDED, Budget
from statordb.model.errors import ClientError, listed, parameter_too_large, quoted, validation, validation_as_it_is
from statordb.model.limits import (
    ATTRIBUTE_NAME_BYTES_MAX,
    EXPRESSION_PLACEHOLDER_BYTES_MAX,
    EXPRESSION_PLACEHOLDERS_BYTES_MAX,
    EXPRESSION_PLACEHOLDERS_MAX,
)

_NAME_KEY = re.compile(r"#[A-Za-z0-9_]+").fullmatch
_VALUE_KEY = re.compile(r":[A-Za-z0-9_]+").fullmatch
_UTF8_BYTES_PER_CHARACTER_MAX = 4


class Placeholders:
    """The names and values of one request, and which of them its expressions used.

    Bind each expression of the request in AWS's order, then call `finish`.
    """

    __slots__ = ("_names", "_plans", "_values", "budget", "name_bytes")

    def __init__(
        self, names: dict[str, str] | None, values: dict[str, Value] | None, budget: Budget = UNBOUNDED
    ) -> None:
        """Checks the names, and the keys of the values, not the values themselves. Raises ValidationException.

        `budget`: what the bound expressions spend of, wherever they are run.
        """
        self.name_bytes = 0 if names is None else _check_names(names)
        if values is not None:
            _check_value_keys(values)
        self._names = names or {}
        self._values = values or {}
        self.budget = budget
        self._plans: list[Plan] = []

    def condition(self, parameter: str, text: str) -> Condition:
        """`parameter`: ConditionExpression or FilterExpression. Raises ValidationException, as do the others."""
        try:
            plan = CONDITIONS.plan(text, self._names, self._values, self.budget)
        except Fault as fault:
            raise _invalid(parameter, fault) from None
        self._plans.append(plan)
        return Condition(plan, self._values, self.budget)

    def key_condition(self, text: str) -> KeyCondition:
        try:
            plan = KEY_CONDITIONS.plan(text, self._names, self._values, self.budget)
        except Fault as fault:
            raise _invalid("KeyConditionExpression", fault) from None
        self._plans.append(plan)
        return KeyCondition(plan, self._values)

    def projection(self, text: str) -> Projection:
        try:
            plan = PROJECTIONS.plan(text, self._names, self._values, self.budget)
        except Fault as fault:
            raise _invalid("ProjectionExpression", fault) from None
        self._plans.append(plan)
        return Projection(plan)

    def update(self, text: str) -> UpdateExpression:
        try:
            plan = UPDATES.plan(text, self._names, self._values, self.budget)
        except Fault as fault:
            raise _invalid("UpdateExpression", fault) from None
        self._plans.append(plan)
        return UpdateExpression(plan, self._values, self.budget)

    def finish(self) -> None:
        """Raises ValidationException where a name or a value was used by no expression."""
        plans = self._plans
        if len(plans) == 1:
            used_names, used_values = plans[0].names, plans[0].values
        else:
            used_names = frozenset().union(*[plan.names for plan in plans])
            used_values = frozenset().union(*[plan.values for plan in plans])
        # What was used is defined, so that the numbers tell.
        if len(used_names) != len(self._names):
            raise _unused("ExpressionAttributeNames", [name for name in self._names if name not in used_names])
        if len(used_values) != len(self._values):
            raise _unused("ExpressionAttributeValues", [key for key in self._values if key not in used_values])


def _check_names(names: dict[str, str]) -> int:
    """Their size in bytes, roughly: characters that take several bytes count as one."""
    if not names:
        raise validation_as_it_is("ExpressionAttributeNames must not be empty")
    if len(names) > EXPRESSION_PLACEHOLDERS_MAX:
        raise parameter_too_large("ExpressionAttributeNames")
    total = 0
    for key in names:
        if _NAME_KEY(key) is None:
            raise validation_as_it_is(
                f'ExpressionAttributeNames contains invalid key: Syntax error; key: "{quoted(key)}"'
            )
        if len(key) > EXPRESSION_PLACEHOLDER_BYTES_MAX:
            raise validation_as_it_is(
                "ExpressionAttributeNames contains invalid key: "
                f"The expression attribute map contains a key that is too long; size of key: {len(key)}"
            )
    for key, name in names.items():
        total += len(key) + len(name)
        if not name:
            raise validation_as_it_is(
                f"ExpressionAttributeNames contains invalid value: Empty attribute name for key {key}"
            )
        if len(name) * _UTF8_BYTES_PER_CHARACTER_MAX > ATTRIBUTE_NAME_BYTES_MAX:
            if len(name.encode("utf-8", "surrogatepass")) > ATTRIBUTE_NAME_BYTES_MAX:
                raise validation_as_it_is(
                    "ExpressionAttributeNames contains invalid value: "
                    f"Attribute name is too large, must be less than {ATTRIBUTE_NAME_BYTES_MAX + 1} bytes for key {key}"
                )
    if total > EXPRESSION_PLACEHOLDERS_BYTES_MAX:
        raise parameter_too_large("ExpressionAttributeNames")
    return total


def _check_value_keys(values: dict[str, Value]) -> None:
    if not values:
        raise validation_as_it_is("ExpressionAttributeValues must not be empty")
    if len(values) > EXPRESSION_PLACEHOLDERS_MAX:
        raise parameter_too_large("ExpressionAttributeValues")
    for key in values:
        if _VALUE_KEY(key) is None:
            raise validation_as_it_is(
                f'ExpressionAttributeValues contains invalid key: Syntax error; key: "{quoted(key)}"'
            )
        if len(key) > EXPRESSION_PLACEHOLDER_BYTES_MAX:
            raise validation_as_it_is(
                "ExpressionAttributeValues contains invalid key: "
                "The expression attribute map contains a key that is too long;"
            )


def _invalid(parameter: str, fault: Fault) -> ClientError:
    return validation(f"Invalid {parameter}: {fault.message}")


def _unused(parameter: str, keys: list[str]) -> ClientError:
    return validation(f"Value provided in {parameter} unused in expressions: keys: {{{listed(keys)}}}")
