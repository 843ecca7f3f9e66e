"""Plans: expressions parsed and compiled once for each text, and for each set of names that its `#name`s stand for.

A plan keeps nothing of a request. What is left to do for a request with a known text is to see that its values are all
there and of the right types; where they are not, the full check runs again and says what is wrong.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Generic, TypeVar

from statordb.expressions import actions, conditions, predicates, projections, structure, updates
from statordb.expressions.assigned import WRONG_TYPE
from statordb.expressions.faults import Fault
from statordb.expressions.key_conditions import KeyTest, key_tests
from statordb.expressions.operands import Names, Values
from statordb.expressions.parser import Parser
from statordb.expressions.paths import Parts, check_depth, check_distinct, resolve
from statordb.expressions.syntax import ConditionNode, Literal, ProjectionNode, UpdateNode, ValueReference
from statordb.model.budget import UNBOUNDED, Budget
from statordb.model.limits import (
    EXPRESSION_BYTES_MAX,
    EXPRESSION_CACHE_CHARACTERS_MAX,
    EXPRESSION_CACHE_ENTRIES_MAX,
    EXPRESSION_CHECK_UNITS,
    EXPRESSION_COMPILE_UNITS,
    EXPRESSION_PARSE_UNITS,
    EXPRESSION_PLANS_PER_TEXT_MAX,
)

Types = tuple[tuple[str, frozenset[str] | None], ...]


class Plan:
    """What all plans have.

    `attributes` are the top-level attributes that it mentions (of an update: writes), `nested_attributes` those of them
    that it goes into, by `.` or `[]`. `names` and `values` are the references in the text; `types` has each value
    reference and the types it may have (None: any), or is None where values must be checked in full each time; `bounds`
    has the pairs of them that must be in order.
    """

    names: frozenset[str] = frozenset()
    values: frozenset[str] = frozenset()
    types: Types | None = ()
    bounds: tuple[tuple[str, str], ...] = ()

    def __init__(self, paths: list[Parts]) -> None:
        self.attributes = frozenset(str(parts[0]) for parts in paths)
        self.nested_attributes = frozenset(str(parts[0]) for parts in paths if len(parts) > 1)

    def accepts(self, values: Values) -> bool:
        """Whether these values are surely right."""
        types = self.types
        if types is None:
            return False
        for reference, allowed in types:
            value = values.get(reference)
            if value is None:
                return False
            if allowed is not None:
                for type_ in value:
                    if type_ not in allowed:
                        return False
        for low, high in self.bounds:  # noqa: SIM110 (most have none, and pay for no generator)
            if not conditions.in_order(values[low], values[high]):
                return False
        return True


class ConditionPlan(Plan):
    def __init__(self, node: ConditionNode, names: Names) -> None:
        super().__init__([resolve(path, names) for path in conditions.paths(node)])
        self.bounds = conditions.bounds(node)
        self.run = predicates.compile_condition(node, names)


class KeyPlan(Plan):
    """`tests` raises ValidationException on use where the text is a condition, but no condition on keys."""

    def __init__(self, node: ConditionNode, names: Names) -> None:
        super().__init__([resolve(path, names) for path in conditions.paths(node)])
        self.bounds = conditions.bounds(node)
        self._node = node
        self._resolved = dict(names)

    @cached_property
    def tests(self) -> list[KeyTest]:
        return key_tests(self._node, self._resolved)


class ProjectionPlan(Plan):
    """`whole`: no path goes into an attribute."""

    def __init__(self, paths: list[Parts]) -> None:
        super().__init__(paths)
        self.whole = not self.nested_attributes
        self.run = projections.compile_projection(paths)


class UpdatePlan(Plan):
    def __init__(self, node: UpdateNode, names: Names, wrong_type: str = WRONG_TYPE) -> None:
        self._node = node
        self._written = updates.written(node, names)
        self._names = names
        super().__init__(self._written)
        self.legacy = wrong_type != WRONG_TYPE  # then its values stand in its actions
        self.run = actions.compile_update(node, names, wrong_type)

    @cached_property
    def direct_values(self) -> dict[str, ValueReference | Literal]:
        return updates.direct_values(self._node, self._written)

    @cached_property
    def overhead(self) -> int:
        return updates.overhead_bytes(self._node)

    @cached_property
    def mentioned(self) -> frozenset[str]:
        """The top-level attributes that it writes or reads."""
        return self.attributes | {str(parts[0]) for parts in updates.read(self._node, self._names)}

    @cached_property
    def touched(self) -> projections.Cut:
        """Cuts an item down to what the update writes, or wrote."""
        return projections.compile_projection(self._written)


Node = TypeVar("Node")
SomePlan = TypeVar("SomePlan", bound=Plan)


class _Text(Generic[Node, SomePlan]):
    """A parsed text, and its plans by the names that its name references stand for."""

    __slots__ = ("name_references", "node", "plans", "value_references")

    def __init__(self, node: Node, parser: Parser) -> None:
        self.node = node
        self.name_references = tuple(sorted(parser.name_references))
        self.value_references = frozenset(parser.value_references)
        self.plans: dict[tuple[str | None, ...], SomePlan] = {}


class Form(Generic[Node, SomePlan]):
    """One form of expression and its plans; `parses` counts the texts that had to be parsed."""

    def __init__(
        self,
        parse: Callable[[Parser], Node],
        check: Callable[[Node, Names, Values], None],
        compile_plan: Callable[[Node, Names], SomePlan],
        value_types: Callable[[Node], dict[str, frozenset[str] | None] | None],
        shows_size: bool,
    ) -> None:
        """`check` raises Fault. `shows_size`: the message about too long a text ends with its size."""
        self._parse_with = parse
        self._check = check
        self._compile = compile_plan
        self._value_types = value_types
        self._shows_size = shows_size
        self._texts: dict[str, _Text[Node, SomePlan]] = {}
        self._characters = 0
        self.parses = 0

    def plan(self, text: str, names: Names, values: Values, budget: Budget = UNBOUNDED) -> SomePlan:
        """The text's plan, which these names and values fit. Raises Fault, and what `Budget.spend` raises.

        Only what has to be parsed, compiled or checked in full spends. It is kept, so that a request that was too heavy
        for its new texts is less so the next time.
        """
        known = self._texts.get(text)
        if known is None:
            known = self._parse(text, budget)
        references = known.name_references
        meaning = tuple(map(names.get, references)) if references else ()
        plan = known.plans.get(meaning)
        if plan is not None and plan.accepts(values):
            return plan
        budget.spend(len(text) * (EXPRESSION_COMPILE_UNITS if plan is None else EXPRESSION_CHECK_UNITS))
        self._check(known.node, names, values)
        if plan is None:
            plan = self._compile(known.node, {name: names[name] for name in references})
            plan.names = frozenset(references)
            plan.values = known.value_references
            types = self._value_types(known.node)
            plan.types = None if types is None else tuple(types.items())
            if len(known.plans) >= EXPRESSION_PLANS_PER_TEXT_MAX:
                del known.plans[next(iter(known.plans))]
            known.plans[meaning] = plan
        return plan

    def _parse(self, text: str, budget: Budget) -> _Text[Node, SomePlan]:
        if not text:
            raise Fault("The expression can not be empty;")
        if len(text) > EXPRESSION_BYTES_MAX:
            size = f" expression size: {len(text)}" if self._shows_size else ""
            raise Fault(f"Expression size has exceeded the maximum allowed size;{size}")
        budget.spend(len(text) * EXPRESSION_PARSE_UNITS)
        self.parses += 1
        parser = Parser(text)
        known: _Text[Node, SomePlan] = _Text(self._parse_with(parser), parser)
        texts = self._texts
        texts[text] = known
        self._characters += len(text)
        while len(texts) > EXPRESSION_CACHE_ENTRIES_MAX or self._characters > EXPRESSION_CACHE_CHARACTERS_MAX:
            oldest = next(iter(texts))
            del texts[oldest]
            self._characters -= len(oldest)
        return known


def _parse_condition(parser: Parser) -> ConditionNode:
    node = parser.condition()
    structure.check_condition(node)
    return node


def _parse_projection(parser: Parser) -> ProjectionNode:
    node = parser.projection()
    structure.check_projection(node)
    return node


def _parse_update(parser: Parser) -> UpdateNode:
    node = parser.update()
    structure.check_update(node)
    return node


def _check_condition(node: ConditionNode, names: Names, values: Values) -> None:
    conditions.check(node, names, values)
    conditions.check_limits(node, names)


def _check_projection(node: ProjectionNode, names: Names, values: Values) -> None:
    for parts in check_distinct(node.paths, names):
        check_depth(parts)


def _check_update(node: UpdateNode, names: Names, values: Values) -> None:
    updates.check(node, names, values)
    updates.check_limits(node, names)


def _projection_plan(node: ProjectionNode, names: Names) -> ProjectionPlan:
    return ProjectionPlan([resolve(path, names) for path in node.paths])


def _no_values(node: ProjectionNode) -> dict[str, frozenset[str] | None]:
    return {}


CONDITIONS = Form(_parse_condition, _check_condition, ConditionPlan, conditions.value_types, shows_size=True)
KEY_CONDITIONS = Form(_parse_condition, _check_condition, KeyPlan, conditions.value_types, shows_size=True)
PROJECTIONS = Form(_parse_projection, _check_projection, _projection_plan, _no_values, shows_size=False)
UPDATES = Form(_parse_update, _check_update, UpdatePlan, updates.value_types, shows_size=False)
