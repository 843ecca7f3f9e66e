"""The commands that read many rows: Range and Scan."""

from collections.abc import Awaitable, Sequence
from typing import NamedTuple

from statordb.commands.admitting import Paid, admit_page
from statordb.commands.capacity import Meter
from statordb.commands.context import Context
from statordb.commands.key_conditions import AttributeCondition, KeyRange, arrange, refuse_key_filter
from statordb.commands.pages import CHUNK_BYTES_MAX, CHUNK_ROWS_MAX, Rows, read_rows
from statordb.commands.partitions import Walk
from statordb.commands.selection import Choice, Selection, cursor_position, find_path
from statordb.commands.turns import Turns
from statordb.metering.series import EVENTUAL, STRONG
from statordb.metering.units import read_units
from statordb.model import errors
from statordb.model.values import Item
from statordb.store import codec
from statordb.store.access import AccessPath
from statordb.store.table import Table
from statordb.store.terms import EXHAUSTED, ROWS, Page, PageBudget, Place

QUERY = "dynamodb:Query"
USUAL_BYTES_MAX = 16 * 1024  # read without asking for a turn; more is the slice of its round

_new = tuple.__new__  # makes a named tuple in half the time of calling its class


class Found(NamedTuple):
    """A page. `cursor`: the key to go on behind; None if that was all. `walk`: what it went through, if it scanned."""

    table: Table
    path: AccessPath
    rows: Rows
    cursor: Item | None
    consistent: bool
    walk: Walk | None = None

    def units(self) -> tuple[float, dict[str, float] | None]:
        """Read units of the table, and by index name."""
        read = read_units(self.rows.size, self.consistent)
        if self.walk is not None:
            read = max(read, self.walk.partitions(self.table, self.path) * read_units(1, self.consistent))
        if self.path.name is None:
            return read, None
        return sum(read_units(size, self.consistent) for size in self.rows.fetched), {self.path.name: read}

    def counted(self, part: str = "") -> "Found":
        """Itself, once the table's tap has counted it. `part`: what kinds of units begin with."""
        meter = Meter(self.table)
        meter.add(*self.units())
        meter.count_reads(part + (STRONG if self.consistent else EVENTUAL))
        return self


class Range(NamedTuple):
    """Rows of one partition of a table or an index, in or against its order. `start`: a LastEvaluatedKey."""

    table: str
    index_name: str | None
    conditions: Sequence[AttributeCondition]
    choice: Choice
    limit: int | None
    forward: bool
    consistent: bool
    start: Item | None

    @property
    def action(self) -> str:
        return QUERY

    def demands(self) -> "tuple[Range]":
        return (self,)

    async def run(self, context: Context) -> Found:
        table = context.known_table(self.table) or await context.table(self.table)
        path = find_path(table, self.index_name, self.consistent, "querying")
        key_range = arrange(path, self.conditions)
        after = self._position(table, path, key_range)
        kind = "QueryFilter" if self.choice.legacy else "Filter Expression"
        refuse_key_filter(path, self.choice.condition, kind)
        admit_page(table, path, key_range.partition)
        return await self._go_on(context, table, path, key_range, after, None)

    def texts_here(self, turns: Turns, table: Table, key_range: KeyRange) -> Page | None:
        """All rows of a range by the primary key from its beginning, where nothing is to be checked any more: their
        JSON. None where they have to be waited for, or are more than one chunk."""
        here = table.here
        if here is None or turns.taken:
            return None
        partition, bounds, _ = key_range
        budget = self._first_budget()
        page = here.page(table.space, partition, bounds, self.forward, budget, None, codec.HEADER_BYTES)
        if not self.is_all(page):
            return None
        if page.bytes > USUAL_BYTES_MAX:
            turns.take()
        return page

    def is_all(self, first: Page) -> bool:
        """Whether nothing is to be read behind the first chunk."""
        return first.stop is EXHAUSTED or (first.stop is ROWS and self.limit is not None)

    async def first(self, context: Context, table: Table, key_range: KeyRange) -> Page:
        """The first chunk of such a range, waited for."""
        turns = context.turns
        if turns.taken:
            await turns.wait(context.source)
        partition, bounds, _ = key_range
        budget = self._first_budget()
        page = await table.range(table.primary, partition, bounds, self.forward, budget, None, self.consistent)
        if page.bytes > USUAL_BYTES_MAX:
            turns.take()
        return page

    def _first_budget(self) -> PageBudget:
        return _new(PageBudget, (self.limit or CHUNK_ROWS_MAX, CHUNK_BYTES_MAX))

    async def rest(self, context: Context, table: Table, key_range: KeyRange, first: Page) -> Found:
        """The whole page whose `first` chunk has been read."""
        return await self._go_on(context, table, table.primary, key_range, None, first)

    async def _go_on(
        self,
        context: Context,
        table: Table,
        path: AccessPath,
        key_range: KeyRange,
        after: Place | None,
        first: Page | None,
    ) -> Found:
        partition, bounds, _ = key_range

        def read(after: Place | None, budget: PageBudget, head: int | None) -> Awaitable[Page]:
            last = None if after is None else after[1]
            return table.range(path, partition, bounds, self.forward, budget, last, self.consistent, head)

        selection = Selection(table, path, self.choice, self.consistent, read)
        turn = context.turn()
        with Paid() as paid:
            paid.reads.append((table, path.name))
            await turn.begin()
            rows = await read_rows(selection, after, self.limit, turn, first)
            # Without a sort key there is no row behind the first, and a start key would be refused.
            cursor = selection.cursor(rows, turn) if path.schema.sort or path.name is not None else None
        turn.end()
        return Found(table, path, rows, cursor, self.consistent).counted()

    def _position(self, table: Table, path: AccessPath, key_range: KeyRange) -> Place | None:
        cursor = self.start
        if cursor is None:
            return None
        position = cursor_position(table, path, cursor)
        if path.name is None and not path.schema.sort:
            shown = ", ".join(
                f"{name}=AttributeValue: {{{tag}:{text}}}" for name, v in cursor.items() for tag, text in v.items()
            )
            raise errors.validation(f"The provided exclusive start key is invalid: ExclusiveStartKey: {{{shown}}}")
        if position[0] != key_range.partition:
            raise errors.validation(
                "The query can return at most one row and cannot be restarted"
                if key_range.single and path.schema.sort
                else "The provided starting key is outside query boundaries based on provided conditions"
            )
        lower, upper = key_range.bounds
        if position[1] < lower or (upper is not None and position[1] >= upper):
            raise errors.validation("The provided starting key does not match the range key predicate")
        return position


class Scan(NamedTuple):
    """All rows of a table or an index, or of one of `total` segments, in hash order. `start`: a LastEvaluatedKey."""

    table: str
    index_name: str | None
    choice: Choice
    limit: int | None
    consistent: bool
    start: Item | None
    segment: int
    total: int

    @property
    def action(self) -> str:
        return "dynamodb:Scan"

    def demands(self) -> "tuple[Scan]":
        return (self,)

    async def run(self, context: Context) -> Found:
        table = context.known_table(self.table) or await context.table(self.table)
        path = find_path(table, self.index_name, self.consistent, "scanning")

        def read(after: Place | None, budget: PageBudget, head: int | None) -> Awaitable[Page]:
            return table.scan(path, self.segment, self.total, budget, after, self.consistent, head)

        selection = Selection(table, path, self.choice, self.consistent, read, scans=True)
        start = None if self.start is None else cursor_position(table, path, self.start, scans=True)
        if start is not None and table.segment_of(start[0], self.total) != self.segment:
            raise errors.validation(
                "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with "
                f"correct Segment. TotalSegments: {self.total} Segment: {self.segment}"
            )
        admit_page(table, path, None)
        turn = context.turn()
        with Paid() as paid:
            paid.reads.append((table, path.name))
            await turn.begin()
            rows = await read_rows(selection, start, self.limit, turn)
            cursor = selection.cursor(rows, turn)
        turn.end()
        walk = Walk(self.start, cursor, self.segment, self.total)
        return Found(table, path, rows, cursor, self.consistent, walk).counted()
