"""What Query and Scan choose of the rows they read: filter, projection, and items fetched for index entries."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import NamedTuple

import orjson

from statordb.commands.keys import empty_key, refuse_long, refuse_nested_keys
from statordb.commands.pages import Rows
from statordb.commands.turns import Turn
from statordb.expressions.bound import Condition, Projection
from statordb.model import errors
from statordb.model.budget import Budget, Heavy
from statordb.model.limits import PAGE_BYTES_MAX, UNWEIGHED_BYTES_MAX
from statordb.model.values import Item
from statordb.store import codec
from statordb.store.access import AccessPath
from statordb.store.parts import Parts
from statordb.store.table import Table
from statordb.store.terms import Key, Page, PageBudget, Place

_BODY = codec.HEADER_BYTES

_INVALID = "The provided starting key is invalid"
_SCHEMA = "The provided key element does not match the schema"
_MISFIT = f"{_INVALID}: {_SCHEMA}"

Read = Callable[[Place | None, PageBudget, int | None], Awaitable[Page]]
"""A chunk of rows, as `pages.Source.read`."""


class Choice(NamedTuple):
    """What is wanted of the rows. `select`: the Select of the request; `legacy`: the filter is a QueryFilter."""

    condition: Condition | None = None
    projection: Projection | None = None
    select: str | None = None
    legacy: bool = False


def find_path(table: Table, index: str | None, consistent: bool, action: str) -> AccessPath:
    """The access path by an index, or by the primary key; `action` is "querying" or "scanning"."""
    path = table.path(index)
    if path is None:
        raise errors.validation(f"The table does not have the specified index: {index}")
    if index is not None and not table.ready(index):
        raise errors.validation(f"Cannot read from backfilling global secondary index: {index}")
    if consistent and not path.consistent:
        raise errors.validation("Consistent reads are not supported on global secondary indexes")
    return path


class Selection:
    """How one request chooses from the rows of an access path: a `pages.Source`."""

    __slots__ = ("_choice", "_consistent", "_counts", "_fetches", "_path", "_table", "counts_only", "read")

    def __init__(
        self,
        table: Table,
        path: AccessPath,
        choice: Choice,
        consistent: bool,
        read: Read,
        scans: bool = False,
        fetches: bool | None = None,
    ) -> None:
        """Raises ValidationException where the path can't give what is wanted. The filter of a scan (`scans`) sees what
        an index holds, and may name anything. `fetches`: whether items are fetched, where it is decided already."""
        self._table = table
        self._path = path
        self._choice = choice
        self._consistent = consistent
        self.read = read
        for part in (choice.projection, choice.condition):
            if part is not None:
                refuse_nested_keys(table, part.nested_attributes)
        if not scans and fetches is None:
            self._refuse_unprojected_filter()
        self._fetches = self._must_fetch() if fetches is None else fetches
        self._counts = choice.select == "COUNT"
        self.counts_only = self._counts and choice.condition is None and not self._fetches

    def _refuse_unprojected_filter(self) -> None:
        path, condition = self._path, self._choice.condition
        if path.projected is None or condition is None:
            return
        unknown = sorted(condition.attributes - path.projected)
        if unknown:
            raise errors.invalid_parameters(
                f"Secondary index {path.name} does not project one or more filter attributes: [{', '.join(unknown)}]"
            )

    def _must_fetch(self) -> bool:
        """Whether items have to be fetched from the table for attributes that the index does not hold."""
        path = self._path
        if path.projected is None:
            return False
        _, projection, select, _ = self._choice
        if select == "ALL_ATTRIBUTES":
            if not path.fetches:
                raise errors.invalid_parameters(
                    f"Select type ALL_ATTRIBUTES is not supported for global secondary index {path.name} because its "
                    "projection type is not ALL"
                )
            return True
        missing = sorted(projection.attributes - path.projected) if projection is not None else []
        if missing and not path.fetches:
            raise errors.invalid_parameters(
                f"Global secondary index {path.name} does not project [{', '.join(missing)}]"
            )
        return bool(missing)

    async def whole(self, place: Place) -> bytes | None:
        stored = await self._table.get(Key(self._path.space, *place), self._consistent)
        return None if stored is None else stored.body

    async def choose(self, bodies: Sequence[bytes], rows: Rows, turn: Turn) -> int:
        condition, projection = self._choice[:2]
        if self.counts_only:
            rows.count += len(bodies)
        elif self._fetches:
            return await self._fetch(bodies, rows, turn)
        elif condition is None and projection is None:
            rows.count += len(bodies)
            rows.texts += [body[_BODY:] for body in bodies]
        else:
            for body in bodies:
                await self._add(body, None, rows, turn)
        return len(bodies)

    async def _add(self, body: bytes, entry: Item | None, rows: Rows, turn: Turn) -> None:
        """Add a row to what is returned if it is wanted, and let others run if it is time for that."""
        try:
            text = self._cut(body, entry, turn.budget)
        except Heavy:  # together with what this slice had before
            await turn.over()
            text = self._cut(body, entry, turn.budget)
        if text is not None:
            rows.count += 1
            if not self._counts:
                rows.texts.append(text)
        if turn.due(len(body)):
            await turn.over()

    def _cut(self, body: bytes, entry: Item | None, budget: Budget) -> bytes | None:
        """A returned item as JSON, as it is stored where nothing is cut; None if it is not wanted. Raises Heavy.

        `entry`: the index entry that the item was fetched for. It was read before the item, which may be another one by
        now, and not belong to this place of the index any more.
        """
        item = parsed(body, budget)
        if entry is not None and any(item.get(name) != entry[name] for name in self._path.schema.names):
            return None
        return _wanted(body, item, *self._choice[:2])

    async def _fetch(self, bodies: Sequence[bytes], rows: Rows, turn: Turn) -> int:
        """Choose from the items of index entries. A page of them ends early once the items themselves make one."""
        primary = self._table.primary
        entries: list[Item] = []

        def keys() -> Iterator[Key]:
            for body in bodies:
                entries.append(parsed(body, turn.budget))
                yield primary.key(entries[-1])

        parts = Parts(self._table, keys(), self._consistent)
        done = 0
        fetched = sum(rows.fetched)
        while fetched < PAGE_BYTES_MAX and (found := await parts.next()):
            for body in found:
                entry = entries[done]
                done += 1
                if body is not None:
                    rows.fetched.append(codec.size(body))
                    fetched += rows.fetched[-1]
                    await self._add(body, entry, rows, turn)
        return done

    def cursor(self, rows: Rows, turn: Turn) -> Item | None:
        """The key to go on behind. Raises Heavy."""
        if rows.last is None:
            return None
        item = parsed(rows.last, turn.budget)
        return {name: item[name] for name in self._path.cursor_names}


def text_of(body: bytes, condition: Condition | None, projection: Projection | None, budget: Budget) -> bytes | None:
    """What is wanted of a stored item, as JSON; None if it is not wanted. Raises as `parsed`."""
    if condition is None and projection is None:
        return codec.text(body)
    return _wanted(body, parsed(body, budget), condition, projection)


def _wanted(body: bytes, item: Item, condition: Condition | None, projection: Projection | None) -> bytes | None:
    if condition is not None and not condition(item):
        return None
    return codec.text(body) if projection is None else orjson.dumps(projection(item))


def parsed(body: bytes, budget: Budget) -> Item:
    """A stored item; raises Heavy, or ValidationException, if it is too much to be parsed now."""
    if len(body) > UNWEIGHED_BYTES_MAX:
        budget.weigh(body)
    return codec.decode(body)


def cursor_position(table: Table, path: AccessPath, cursor: Item, scans: bool = False) -> Place:
    """Where an ExclusiveStartKey points; raises ValidationException unless it has just the key attributes, of the
    right types. A scan of a table says in other words that attributes are missing (dynalite, recorded against AWS).
    """
    incomplete = _MISFIT if scans and path.name is None else _INVALID
    if len(cursor) != len(path.cursor_names):
        raise errors.validation(incomplete)
    for schema in (path.schema, table.schema):
        for attribute in schema.attributes:
            value = cursor.get(attribute.name)
            if value is None:
                raise errors.validation(incomplete)
            of_index = schema is path.schema and path.name is not None
            if attribute.type not in value:
                raise errors.validation(_SCHEMA if of_index else _MISFIT)
            if not value[attribute.type]:
                empty = empty_key(attribute)
                raise empty if of_index else errors.validation(f"{_INVALID}: {empty.message}")
            refuse_long(attribute, value, schema)
    return path.position(cursor)
