"""Statements compiled once and kept by their text; the parameters of a request are put in afterwards."""

from collections.abc import Iterator, Sequence
from typing import Any

from statordb.expressions import conditions, updates
from statordb.expressions.faults import Fault
from statordb.expressions.operands import Values, known_value, tag, wrong_type
from statordb.expressions.partiql.keyed import Keyed, keyed
from statordb.expressions.partiql.parser import parse
from statordb.expressions.partiql.selected import selected_of
from statordb.expressions.partiql.statement_tree import (
    Insert,
    Select,
    StatementNode,
    Template,
    Update,
)
from statordb.expressions.paths import Item, Value, check_distinct
from statordb.expressions.plans import ConditionPlan, UpdatePlan
from statordb.expressions.syntax import Add, ConditionNode, UpdateNode, ValueReference
from statordb.expressions.syntax import Delete as TakeAway
from statordb.model import errors
from statordb.model.budget import UNBOUNDED, Budget
from statordb.model.errors import ClientError, IllFormed
from statordb.model.limits import (
    EXPRESSION_CHECK_UNITS,
    EXPRESSION_COMPILE_UNITS,
    EXPRESSION_PARSE_UNITS,
    EXPRESSION_PLACEHOLDERS_BYTES_MAX,
    EXPRESSION_PLANS_PER_TEXT_MAX,
    STATEMENT_CACHE_CHARACTERS_MAX,
    STATEMENT_CACHE_ENTRIES_MAX,
)
from statordb.model.schema import KeySchema
from statordb.model.values import check

Direct = tuple[tuple[str, int, Value | None], ...]
"""For each attribute of a key its name and the position of its parameter, or its value."""

Types = dict[str, frozenset[str] | None]
"""The types that the value of a reference may have; None: any."""

_TEXT_UNITS = EXPRESSION_PARSE_UNITS + EXPRESSION_COMPILE_UNITS + EXPRESSION_CHECK_UNITS  # for each character
_SET_TYPES = frozenset(("SS", "NS", "BS"))
_NONE: dict[str, Any] = {}


class Statement:
    """A compiled statement. Nothing of a request is kept in it.

    node         its tree, of the table and the index that it names.
    projection   of a SELECT: what is returned of an item; None: all of it.
    update       of an UPDATE: its plan.
    references   its parameters, in order of appearance.
    makes        whether values are made of them too, such as a list with one in it.
    attributes   of a SELECT: the top-level attributes that it names, in order of appearance.
    mentioned    the top-level attributes that it names anywhere; not those of an item that it puts.
    """

    __slots__ = (
        "_characters", "_checked", "_direct", "_direct_schema", "_filter", "_keyed", "_last", "_made", "_schema",
        "_types", "_where", "attributes", "index", "is_insert", "is_select", "makes", "node", "projection",
        "references", "table", "update",
    )  # fmt: skip

    def __init__(self, text: str) -> None:
        """Raises ValidationException for all that is wrong without parameters and without the table."""
        node, parameters = parse(text)
        if node.source.index is not None and not isinstance(node, Select):
            raise errors.validation_as_it_is("This operation is not supported on an index")
        self.node = node
        self.table, self.index = node.source.table, node.source.index
        self.is_select, self.is_insert = isinstance(node, Select), isinstance(node, Insert)
        self._characters = len(text)
        self._made = tuple(parameters.made.items())
        self.makes = bool(self._made)
        self.references = tuple(f"?{position}" for position in range(parameters.count))
        self._where: ConditionNode | None = None if isinstance(node, Insert) else node.where
        self._filter: ConditionPlan | None = None
        self._keyed: dict[KeySchema, Keyed | None] = {}
        self._schema: KeySchema | None = None
        self._direct: Direct | None = None
        self._direct_schema: KeySchema | None = None
        self._last: Keyed | None = None
        self._types: Types | None = None
        self._checked = False  # with some values: types say nothing of what is wrong whatever the values are
        self.projection = selected_of(node)
        self.update = UpdatePlan(node.update, _NONE) if isinstance(node, Update) else None
        self.attributes = tuple(dict.fromkeys(_attributes(node)))
        if self.references:
            self._types = self._value_types()
        else:
            self._check(_NONE)

    @property
    def mentioned(self) -> frozenset[str]:
        where = () if self._where is None else conditions.paths(self._where)
        update = frozenset[str]() if self.update is None else self.update.mentioned
        return update.union(self.attributes, (str(path.parts[0]) for path in where))

    def values(self, parameters: Sequence[Value] | None, budget: Budget) -> Values:
        """What the statement's references stand for. Raises ValidationException, and what `Budget.spend` raises."""
        count = len(parameters) if parameters is not None else 0
        if count != len(self.references):
            raise errors.statement_fault("Number of parameters in request and statement don't match.")
        if parameters is None:
            return _NONE
        room = EXPRESSION_PLACEHOLDERS_BYTES_MAX
        for value in parameters:
            room -= check(value, room)
            if room < 0:
                raise errors.parameter_too_large("Parameters")
        values: dict[str, Value] = dict(zip(self.references, parameters, strict=True))
        for reference, template in self._made:
            values[reference] = filled(template, values)
            check(values[reference])
        if not self.accepts(values):
            budget.spend(self._characters * EXPRESSION_CHECK_UNITS)
            self._check(values)
        return values

    def keyed(self, schema: KeySchema) -> Keyed | None:
        """How the WHERE narrows a read by that key; None: it is a scan."""
        if schema is self._schema:  # the last one's is found without a hash
            return self._last
        if schema in self._keyed:
            found = self._keyed[schema]
        else:
            if len(self._keyed) >= EXPRESSION_PLANS_PER_TEXT_MAX:
                del self._keyed[next(iter(self._keyed))]
            names = [each.name for each in schema.partition], [each.name for each in schema.sort]
            found = self._keyed[schema] = keyed(self._where, *names)
        self._schema, self._last = schema, found
        return found

    def direct(self, schema: KeySchema) -> Direct | None:
        """Of a SELECT that is just a look at one item of a table: where its key comes from; else None."""
        if schema is not self._direct_schema:
            self._direct = self._found_direct(schema)
            self._direct_schema = schema
        return self._direct

    def _found_direct(self, schema: KeySchema) -> Direct | None:
        node = self.node
        if not isinstance(node, Select) or node.exists or node.order or node.source.index is not None:
            return None
        found = self.keyed(schema)
        if found is None or not found.exact or found.rest is not None:
            return None
        operands = [(name, several[0]) for name, several in found.partitions.items()]
        operands += [(name, several[0]) for name, _, several in found.sort]
        places: list[tuple[str, int, Value | None]] = []
        for name, each in operands:
            if not isinstance(each, ValueReference):
                places.append((name, 0, known_value(each, _NONE)))
            elif each.text in self.references:
                places.append((name, self.references.index(each.text), None))
        uses = sum(value is None for _, _, value in places)
        return tuple(places) if len(places) == len(operands) and uses == len(self.references) else None

    @property
    def filter(self) -> ConditionPlan | None:
        """The whole WHERE."""
        if self._filter is None and self._where is not None:
            self._filter = ConditionPlan(self._where, _NONE)
        return self._filter

    def item(self, values: Values) -> Item:
        """What an INSERT puts; its values are not checked yet."""
        assert isinstance(self.node, Insert)
        made = filled(self.node.item, values)
        if "M" not in made:
            raise errors.ill_formed_statement("Unexpected term")
        item: Item = made["M"]
        return item

    def _check(self, values: Values) -> None:
        """Raises ValidationException for what is wrong with operators and their operands."""
        try:
            if self._where is not None:
                conditions.check(self._where, _NONE, values)
                conditions.check_limits(self._where, _NONE)
            if isinstance(self.node, Update):
                _check_sets(self.node.update, values)
                check_distinct([action.path for action in reversed(self.node.update.actions)], _NONE)
                updates.check(self.node.update, _NONE, values)
                updates.check_limits(self.node.update, _NONE)
        except Fault as fault:
            raise errors.statement_fault(fault.message) from None
        self._checked = True

    def _value_types(self) -> Types | None:
        """The types that values may have, where nothing else about them has to be looked at; see `Plan.accepts`."""
        if isinstance(self.node, Update):
            types: Types | None = updates.value_types(self.node.update)
            assert types is not None
            for action in _set_changes(self.node.update):
                if isinstance(action.value, ValueReference):
                    types[action.value.text] = _SET_TYPES
        else:
            types = {}
        if self._where is not None:
            if conditions.has_between(self._where):
                return None
            for_where = conditions.value_types(self._where)
            types = None if types is None or for_where is None else {**types, **for_where}
        return types

    def accepts(self, values: Values) -> bool:
        """Whether these values are surely right."""
        if self._types is None or not self._checked:
            return False
        return all(allowed is None or tag(values[name]) in allowed for name, allowed in self._types.items())


def filled(template: Template, values: Values) -> Value:
    """A template with its parameters put in. It is nested no deeper than values may be."""
    if isinstance(template, ValueReference):
        return values[template.text]
    for type_, content in template.items():
        if type_ == "M":
            return {"M": {name: filled(member, values) for name, member in content.items()}}
        if type_ == "L":
            return {"L": [filled(member, values) for member in content]}
    return template


def _set_changes(node: UpdateNode) -> Iterator[Add | TakeAway]:
    return (action for action in node.actions if isinstance(action, Add | TakeAway))


def _check_sets(node: UpdateNode, values: Values) -> None:
    """Raises Fault where set_add or set_delete is given anything but a set."""
    for action in _set_changes(node):
        value = known_value(action.value, values)
        assert value is not None
        if tag(value) not in _SET_TYPES:
            raise wrong_type("set_add" if isinstance(action, Add) else "set_delete", tag(value))


def _attributes(node: StatementNode) -> Iterator[str]:
    if isinstance(node, Select):
        for selected in node.projection or ():
            yield str(selected.path.parts[0])
        if node.where is not None:
            for path in conditions.paths(node.where):
                yield str(path.parts[0])


class Statements:
    """The statements that this process has compiled; `parses` counts the texts that had to be."""

    def __init__(self) -> None:
        self._known: dict[str, Statement] = {}
        self.known = self._known.get
        self._characters = 0
        self.parses = 0

    def statement(self, text: str, budget: Budget = UNBOUNDED) -> Statement:
        """The statement of a text. Raises ValidationException, and what `Budget.spend` raises."""
        found = self._known.get(text)
        if found is None:
            budget.spend(len(text) * _TEXT_UNITS)
            self.parses += 1
            try:
                found = Statement(text)
            except IllFormed:
                raise
            except ClientError as fault:
                raise errors.statement_fault(fault.message) from None
            self._keep(text, found)
        return found

    def _keep(self, text: str, statement: Statement) -> None:
        self._known[text] = statement
        self._characters += len(text)
        while len(self._known) > STATEMENT_CACHE_ENTRIES_MAX or self._characters > STATEMENT_CACHE_CHARACTERS_MAX:
            oldest = next(iter(self._known))
            del self._known[oldest]
            self._characters -= len(oldest)


STATEMENTS = Statements()
