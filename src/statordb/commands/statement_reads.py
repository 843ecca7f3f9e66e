"""The commands of SELECT statements: a get, a query, several queries, or a scan, as the key of what is read tells; or
one item of several, in a batch or a transaction."""

from collections.abc import Awaitable, Callable, Sequence
from functools import cmp_to_key
from typing import Any, NamedTuple

from statordb.commands.admitting import Paid, admit_page
from statordb.commands.context import Context
from statordb.commands.key_conditions import KeyRange, arrange
from statordb.commands.keys import located, refuse_nested_keys
from statordb.commands.pages import Rows, read_rows
from statordb.commands.partitions import Walk
from statordb.commands.reading import Found
from statordb.commands.selection import Choice, Read, Selection, cursor_position, text_of
from statordb.commands.statement_keys import refuse_misfits
from statordb.expressions.bound import Condition
from statordb.expressions.operands import Values
from statordb.expressions.partiql.keyed import Keyed
from statordb.expressions.partiql.statement_tree import Order, Select
from statordb.expressions.partiql.statements import Statement
from statordb.expressions.plans import ConditionPlan
from statordb.metering.series import PARTIQL
from statordb.model import errors
from statordb.model.budget import Budget
from statordb.model.errors import ClientError
from statordb.model.limits import STATEMENT_PARTITIONS_MAX
from statordb.model.schema import KeySchema
from statordb.model.values import Item, compare
from statordb.store import codec
from statordb.store.access import AccessPath
from statordb.store.table import Table
from statordb.store.terms import EXHAUSTED, ROWS, Key, Page, PageBudget, Place


class SelectItems(NamedTuple):
    """A SELECT with its parameters. `start`: the key behind which it goes on."""

    statement: Statement
    values: Values
    consistent: bool
    limit: int | None = None
    start: Item | None = None

    @property
    def action(self) -> str:
        return "dynamodb:PartiQLSelect"

    @property
    def table(self) -> str:
        return self.statement.table

    @property
    def index_name(self) -> str | None:
        return self.statement.index

    def demands(self) -> "tuple[SelectItems]":
        return (self,)

    def scans(self, schema: KeySchema) -> bool:
        """Whether it reads all of a table, or of an index, with that key (the condition key FullTableScan)."""
        return self.statement.keyed(schema) is None

    async def run(self, context: Context) -> Found:
        table = context.known_table(self.table) or await context.table(self.table)
        statement = self.statement
        path = _path(table, statement.index, self.consistent)
        fetches = _must_fetch(path, statement)
        keyed = statement.keyed(path.schema)
        node = statement.node
        assert isinstance(node, Select)
        if node.order:
            _check_order(node, path.schema, keyed)
        if keyed is not None:
            refuse_misfits(path.schema, keyed, self.values, is_write=False)
        if keyed is None:
            admit_page(table, path, None)
            return await self._page(context, table, path, self._scan(table, path), statement.filter, fetches)
        if keyed.exact and path.name is None:
            return await self._get(context, table, keyed)
        forward = not _descends(node.order, path.schema, keyed)
        ranges = self._ranges(path, keyed, node.order)
        admit_page(table, path, ranges[0].partition if len(ranges) == 1 else None)
        reader = _Partitions(table, path, ranges, forward, self.consistent)
        return await self._page(context, table, path, reader.read, keyed.rest, fetches, ranges)

    async def _get(self, context: Context, table: Table, keyed: Keyed) -> Found:
        rows = Rows()
        item_key = keyed.key(self.values)
        key = located(table, item_key)
        _refuse_nested_keys(table, self.statement, keyed)
        admit_page(table, table.primary, key.partition)
        stored = await table.get(key, self.consistent)
        if stored is not None:
            body = stored.body
            rows.scanned, rows.size = 1, codec.size(body)
            condition = self._condition(keyed.rest, context.budget)
            with Paid() as paid:
                paid.reads.append((table, None))
                text = text_of(body, condition, self.statement.projection, context.budget)
            if text is not None:
                rows.count = 1
                rows.texts.append(text)
        return Found(table, table.primary, rows, None, self.consistent).counted(PARTIQL)

    def _condition(self, plan: ConditionPlan | None, budget: Budget) -> Condition | None:
        return None if plan is None else Condition(plan, self.values, budget)

    def _ranges(self, path: AccessPath, keyed: Keyed, order: Sequence[Order]) -> list[KeyRange]:
        """What is read, in order; raises ValidationException where values do not fit the key."""
        if keyed.combinations > STATEMENT_PARTITIONS_MAX:
            raise errors.validation_as_it_is(
                f"The IN operator is provided with too many operands; number of operands: {keyed.combinations}"
            )
        sort = keyed.sort_conditions(self.values)
        found: list[tuple[Item, KeyRange]] = [
            (key, arrange(path, [*((name, "EQ", [value]) for name, value in key.items()), *sort]))
            for key in keyed.keys(self.values)
        ]
        for each in reversed(order):
            if each.attribute in keyed.partitions:
                found.sort(key=_by(each.attribute), reverse=each.descending)
        return [key_range for _, key_range in found]

    def _scan(self, table: Table, path: AccessPath) -> Read:
        def read(after: Place | None, budget: PageBudget, head: int | None) -> Awaitable[Page]:
            return table.scan(path, 0, 1, budget, after, self.consistent, head)

        return read

    async def _page(
        self,
        context: Context,
        table: Table,
        path: AccessPath,
        read: Read,
        rest: ConditionPlan | None,
        fetches: bool,
        ranges: Sequence[KeyRange] | None = None,
    ) -> Found:
        choice = Choice(self._condition(rest, context.budget), self.statement.projection)
        selection = Selection(table, path, choice, self.consistent, read, fetches=fetches)
        after = self._position(table, path, ranges)
        turn = context.turn()
        with Paid() as paid:
            paid.reads.append((table, path.name))
            await turn.begin()
            rows = await read_rows(selection, after, self.limit, turn)
            cursor = selection.cursor(rows, turn)
        turn.end()
        walk = Walk(self.start, cursor) if ranges is None else None
        return Found(table, path, rows, cursor, self.consistent, walk).counted(PARTIQL)

    def _position(self, table: Table, path: AccessPath, ranges: Sequence[KeyRange] | None) -> Place | None:
        """Where to go on; raises ValidationException where no page of this statement ends."""
        if self.start is None:
            return None
        try:
            position = cursor_position(table, path, self.start, scans=ranges is None)
        except ClientError:
            raise errors.token_of_another() from None
        if ranges is not None and not any(_is_within(position, each) for each in ranges):
            raise errors.token_of_another()
        return position


def _by(name: str) -> Callable[[tuple[Item, KeyRange]], Any]:
    """The place of a partition key in the order of one of its attributes."""
    in_order = cmp_to_key(compare)
    return lambda found: in_order(found[0][name])


class SelectOne(NamedTuple):
    """A SELECT of one item by its whole key, in a batch or a transaction. `enclosing`: the operation; `failing`: what a
    refusal begins with."""

    statement: Statement
    values: Values
    consistent: bool
    enclosing: str
    failing: str = ""

    @property
    def action(self) -> str:
        return "dynamodb:PartiQLSelect"

    @property
    def table(self) -> str:
        return self.statement.table

    @property
    def index_name(self) -> str | None:
        return self.statement.index

    def scans(self, schema: KeySchema) -> bool:
        """As of `SelectItems`."""
        return self.statement.keyed(schema) is None

    def place(self, table: Table) -> Key:
        """Where the item is; raises ValidationException unless the whole key is named."""
        keyed = self._keyed(table)
        refuse_misfits(table.schema, keyed, self.values, is_write=False)
        _refuse_nested_keys(table, self.statement, keyed)
        return located(table, keyed.key(self.values))

    def text(self, table: Table, body: bytes, budget: Budget) -> bytes | None:
        """What is wanted of the item, as JSON; None if it is not wanted. Raises Heavy."""
        rest = self._keyed(table).rest
        condition = None if rest is None else Condition(rest, self.values, budget)
        return text_of(body, condition, self.statement.projection, budget)

    def _keyed(self, table: Table) -> Keyed:
        keyed = None if self.statement.index is not None else self.statement.keyed(table.schema)
        if keyed is None or not keyed.exact:
            raise errors.refusing_all(
                f"{self.failing}Select statements within {self.enclosing} must specify the primary key in the where "
                "clause."
            )
        return keyed


def _refuse_nested_keys(table: Table, statement: Statement, keyed: Keyed) -> None:
    for part in (statement.projection, keyed.rest):
        if part is not None:
            refuse_nested_keys(table, part.nested_attributes)


def _is_within(position: Place, key_range: KeyRange) -> bool:
    partition, sort = position
    lower, upper = key_range.bounds
    return partition == key_range.partition and lower <= sort and (upper is None or sort < upper)


class _Partitions:
    """Rows of some partitions, one behind the other."""

    __slots__ = ("_at", "_consistent", "_forward", "_path", "_ranges", "_table")

    def __init__(
        self, table: Table, path: AccessPath, ranges: Sequence[KeyRange], forward: bool, consistent: bool
    ) -> None:
        self._table = table
        self._path = path
        self._ranges = ranges
        self._forward = forward
        self._consistent = consistent
        self._at = {key_range.partition: position for position, key_range in enumerate(ranges)}

    async def read(self, after: Place | None, budget: PageBudget, head: int | None) -> Page:
        at, last = (0, None) if after is None else (self._at[after[0]], after[1])
        final = len(self._ranges) - 1
        if last is not None and at < final and self._ranges[at].single and self._path.name is None:
            at, last = at + 1, None
        while True:
            partition, bounds, _ = self._ranges[at]
            page = await self._table.range(
                self._path, partition, bounds, self._forward, budget, last, self._consistent, head
            )
            if at == final or page.stop is not EXHAUSTED:
                return page
            if page.bodies:
                return Page(page.bodies, ROWS, page.bytes, page.place)
            at, last = at + 1, None


def _path(table: Table, index: str | None, consistent: bool) -> AccessPath:
    path = table.path(index)
    if path is None:
        raise errors.validation_as_it_is("The table does not have the specified index")
    if index is not None and not table.ready(index):
        raise errors.validation_as_it_is(f"Cannot read from backfilling global secondary index: {index}")
    if consistent and not path.consistent:
        raise errors.validation_as_it_is("Strongly consistent read is not supported on Global Secondary Indexes")
    return path


def _must_fetch(path: AccessPath, statement: Statement) -> bool:
    """Whether items have to be fetched for attributes that the index does not hold; raises ValidationException where
    they can't be."""
    if path.projected is None:
        return False
    missing = [name for name in statement.attributes if name not in path.projected]
    if missing and not path.fetches:
        raise errors.invalid_parameters(f"Global secondary index {path.name} does not project [{', '.join(missing)}]")
    return bool(missing)


def _check_order(node: Select, schema: KeySchema, keyed: Keyed | None) -> None:
    if node.where is None:
        raise errors.validation_as_it_is("Must have WHERE clause in the statement when using ORDER BY clause.")
    if keyed is None:
        raise errors.validation_as_it_is(
            "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause."
        )
    for each in node.order:
        if each.attribute not in schema.names:
            raise errors.validation_as_it_is(
                f"Variable reference {errors.quoted(each.attribute)} in ORDER BY clause must be part of the primary key"
            )
    ordered = {each.attribute for each in node.order}
    if keyed.combinations > 1 and ordered.isdisjoint(keyed.partitions):
        raise errors.validation_as_it_is(
            "Must have hash key in ORDER BY clause when more than one hash key condition specified in WHERE clause."
        )


def _descends(order: Sequence[Order], schema: KeySchema, keyed: Keyed) -> bool:
    """Whether each partition is read backwards; raises ValidationException for an order that its rows do not have."""
    one_value = [name for name, operator, _ in keyed.sort if operator == "EQ"]
    sort = [attribute.name for attribute in schema.sort if attribute.name not in one_value]
    asked = [each for each in order if each.attribute in sort]
    directions = {each.descending for each in asked}
    if len(directions) > 1 or [each.attribute for each in asked] != sort[: len(asked)]:
        raise errors.validation_as_it_is(
            "Sort key attributes in ORDER BY clause must stand in the order of the key, all ASC or all DESC."
        )
    return any(directions) or (not asked and any(each.descending for each in order if each.attribute in one_value))
