"""Expressions ready to be used on items: a plan, and the values and the budget of one request."""

from collections.abc import Sequence
from typing import Generic, TypeVar

from statordb.expressions.key_conditions import KeyTest
from statordb.expressions.operands import Values, known_value
from statordb.expressions.paths import Item, Value
from statordb.expressions.plans import ConditionPlan, KeyPlan, Plan, ProjectionPlan, UpdatePlan
from statordb.model.budget import UNBOUNDED, Budget

SomePlan = TypeVar("SomePlan", bound=Plan)


class _Bound(Generic[SomePlan]):
    """What those have that work on items."""

    __slots__ = ("_plan",)

    def __init__(self, plan: SomePlan) -> None:
        self._plan = plan

    @property
    def attributes(self) -> frozenset[str]:
        """The top-level attributes that it mentions; of an update, those that it writes."""
        return self._plan.attributes

    @property
    def nested_attributes(self) -> frozenset[str]:
        """Those of them that it goes into, which a key attribute can't be."""
        return self._plan.nested_attributes


class Condition(_Bound[ConditionPlan]):
    """`condition(item)`: whether the item (a wire item; an empty dict for none) meets it.

    Raises what `Budget.spend` raises.
    """

    __slots__ = ("_budget", "_run", "_values")

    def __init__(self, plan: ConditionPlan, values: Values, budget: Budget = UNBOUNDED) -> None:
        self._plan = plan
        self._run = plan.run
        self._values = values
        self._budget = budget

    def __call__(self, item: Item) -> bool:
        return self._run(item, self._values, self._budget)


class KeyCondition:
    """The conditions of a Query on key attributes, not yet held against a key schema."""

    __slots__ = ("_plan", "_values")

    def __init__(self, plan: KeyPlan, values: Values) -> None:
        self._plan = plan
        self._values = values

    @property
    def conditions(self) -> list[tuple[str, str, list[Value]]]:
        """(attribute, operator, operands) in order of appearance; operators EQ LT LE GT GE BETWEEN BEGINS_WITH.

        Raises ValidationException where the text is no key condition. AWS says so only after it has looked for unused
        names and values, so read this after `Placeholders.finish`.
        """
        values = self._values
        return [(name, operator, [values[each] for each in operands]) for name, operator, operands in self._plan.tests]

    @property
    def tests(self) -> Sequence[KeyTest]:
        """The same without the values: by their names."""
        return self._plan.tests


class LegacyKeyCondition(KeyCondition):
    """From the KeyConditions parameter, which has its values in place."""

    __slots__ = ("_tests",)

    def __init__(self, tests: list[tuple[str, str, list[Value]]]) -> None:
        self._tests = tests

    @property
    def conditions(self) -> list[tuple[str, str, list[Value]]]:
        return self._tests


class Projection(_Bound[ProjectionPlan]):
    """`projection(item)`: a new item with what the paths name; whole members are shared with the old one."""

    __slots__ = ("_run",)

    def __init__(self, plan: ProjectionPlan) -> None:
        self._plan = plan
        self._run = plan.run

    def __call__(self, item: Item) -> Item:
        return self._run(item)

    @property
    def whole(self) -> bool:
        """Whether every path is a plain attribute name."""
        return self._plan.whole


class UpdateExpression(_Bound[UpdatePlan]):
    """`update(item)`: the new item; the old one stays as it is, and what did not change is shared."""

    __slots__ = ("_budget", "_values")

    def __init__(self, plan: UpdatePlan, values: Values, budget: Budget = UNBOUNDED) -> None:
        self._plan = plan
        self._values = values
        self._budget = budget

    def __call__(self, item: Item, exists: bool = True) -> Item:
        """`item`: the stored item, or just its key with `exists` false, when REMOVE of any path does nothing.

        Raises ValidationException where the update does not fit the item or makes it too large, and what
        `Budget.spend` raises.
        """
        return self._plan.run(item, self._values, exists, self._budget)

    @property
    def mentioned(self) -> frozenset[str]:
        """The top-level attributes that it writes or reads."""
        return self._plan.mentioned

    def gives(self, value: Value) -> bool:
        """Whether a value of an updated item stood in the request, rather than in the item or nowhere."""
        return self._plan.legacy or any(value is given for given in self._values.values())

    def given(self, name: str) -> Value | None:
        """What the request itself gives an attribute, or adds to it; None: nothing, or what is found out later."""
        operand = self._plan.direct_values.get(name)
        return None if operand is None else known_value(operand, self._values)

    @property
    def overhead(self) -> int:
        """See `updates.overhead_bytes`."""
        return self._plan.overhead

    def touched(self, item: Item) -> Item:
        """The item cut down to the paths written, for UPDATED_OLD of the old item and UPDATED_NEW of the new one."""
        return self._plan.touched(item)
