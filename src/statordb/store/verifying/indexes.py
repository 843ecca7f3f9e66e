"""Items and their entries in indexes: each tells what the other has to be.

Others write meanwhile. So what seems wrong is looked at again, item and entry from one snapshot, and where entries come
later than items, until they had time to come.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from statordb.crypto.sealer import Unsealable
from statordb.engine.contract import Conflict, Key, Row
from statordb.store import changes, codec
from statordb.store.image import Image
from statordb.store.store import Store
from statordb.store.table import Table
from statordb.store.verifying.findings import Fault, Report, place_of
from statordb.store.verifying.walk import TOGETHER, Damaged, looked_up, walk

EXPIRY = "time to live"  # the name of its index, for people
PAUSES = (0.0, 0.5, 2.0, 8.0)  # seconds before each look: who takes over from a process that died needs most of it


class _Suspect(NamedTuple):
    item: Key
    entry: Key
    within: str


class Indexes:
    """Looks at the items and the entries of one table."""

    def __init__(
        self, store: Store, table: Table, report: Report, pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._store = store
        self._engine = store.engine
        self._table = table
        self._report = report
        self._pause = pause

    async def items(self, rows: list[Row]) -> None:
        """Whether items have the entries that they should have. Raises Enough."""
        wanted: dict[Key, tuple[bytes, _Suspect]] = {}
        for row in rows:
            item = Key(self._table.space, row.partition, row.sort)
            for name, entry, body in entries_of(self._table, Image(row.body)):
                wanted[entry] = body, _Suspect(item, entry, name)
        keys = list(wanted)
        for start in range(0, len(keys), TOGETHER):
            found = await looked_up(self._engine, keys[start : start + TOGETHER])
            for key, kept in found.items():
                if not _same(wanted[key][0], kept):
                    await self._suspect(wanted[key][1])

    async def entries(self, name: str, space: int) -> None:
        """Whether the entries of an index are those of items. Raises Enough."""
        together: list[Row] = []
        async for row in walk(self._engine, space):
            self._report.summary.entries += 1
            if isinstance(row, Damaged):
                self._report.add(Fault.DAMAGED, name, place_of(row.partition, row.sort), detail=row.why)
                continue
            together.append(row)
            if len(together) == TOGETHER:
                await self._owners(name, space, together)
                together = []
        await self._owners(name, space, together)

    async def _owners(self, name: str, space: int, rows: list[Row]) -> None:
        primary = self._table.primary
        suspects = [
            _Suspect(primary.key(codec.decode(row.body)), Key(space, row.partition, row.sort), name) for row in rows
        ]
        found = await looked_up(self._engine, [suspect.item for suspect in suspects]) if suspects else {}
        for suspect, row in zip(suspects, rows, strict=True):
            if suspect.item in found and not _same(row.body, _wanted(self._table, found[suspect.item], suspect.entry)):
                await self._suspect(suspect)

    async def _suspect(self, suspect: _Suspect) -> None:
        if not await self._is_fault(suspect):
            return
        row = await self._engine.get(suspect.entry)
        item = await self._engine.get(suspect.item)
        known = item or row
        key = None if known is None else self._table.key_of(codec.decode(known.body))
        self._report.add(Fault.ENTRY, suspect.within, place_of(suspect.entry.partition, suspect.entry.sort), key)

    async def _is_fault(self, suspect: _Suspect) -> bool:
        decisive, wrong = self._engine.traits.global_indexes_strong, False
        record = self._table.record
        for seconds in PAUSES:
            await self._pause(seconds)
            table = await self._store.catalog.reload(record.account, record.region, record.name)
            if table is None or suspect.entry.space not in spaces_of(table).values():
                return False  # what was looked at is being deleted
            try:
                rows = await looked_up(self._engine, [suspect.item, suspect.entry], snapshot=True)
            except (Conflict, Unsealable):
                continue
            if len(rows) < 2:
                return False  # one of the two can't be opened, and is told of as such
            wrong = not _same(rows[suspect.entry], _wanted(table, rows[suspect.item], suspect.entry))
            if not wrong or decisive:
                return wrong
        return wrong


def spaces_of(table: Table) -> dict[str, int]:
    """The indexes of a table that have all entries, by name."""
    found = {index.name: index.space for index in table.indexes if index.active}
    if table.expiry is not None and table.expiry.record.ready:
        found[EXPIRY] = table.expiry.space
    return found


def entries_of(table: Table, image: Image) -> list[tuple[str, Key, bytes]]:
    """The entries that an item must have: the index's name, the entry's key and body."""
    found: list[tuple[str, Key, bytes]] = []
    for index in table.indexes:
        entry = index.entry(image) if index.active else None
        if entry is not None:
            found.append((index.name, entry[0], entry[1].body))
    if table.expiry is not None and table.expiry.record.ready:
        due = table.expiry.entry(image)
        if due is not None:
            found.append((EXPIRY, *due))
    return found


def _wanted(table: Table, item: bytes | None, entry: Key) -> bytes | None:
    if item is None:
        return None
    return next((body for _, key, body in entries_of(table, Image(item)) if key == entry), None)


def _same(one: bytes | None, other: bytes | None) -> bool:
    return one == other or changes.kind(one and Image(one), other and Image(other)) is None  # type: ignore[arg-type]
