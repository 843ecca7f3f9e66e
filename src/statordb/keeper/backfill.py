"""Builds new indexes on live tables: global indexes that are CREATING, and expiry indexes that are not ready.

While some processes know of a global index and others don't yet, an entry put by one would be left behind by a write
of another. So an index begins with writes that only take entries away; once all processes know it, the catalog says
that it is backfilling, and every write maintains it whole (after "Online, Asynchronous Schema Change in F1", VLDB 2013,
absent, delete-only, write-only, public). Entries of an expiry index that are left behind are found when they are due.

What was there before is entered chunk by chunk: each chunk re-derives the entries of some items, as old as those items
are, so that no concurrent write is overtaken. Building may be interrupted and begun again: entries are put where they
belong.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from statordb.store import contention, upkeep
from statordb.store.indexes.expiry import ExpiryIndex
from statordb.store.indexes.secondary import SecondaryIndex
from statordb.store.records import IndexRecord, TableRecord
from statordb.store.store import Store
from statordb.store.table import Table
from statordb.store.terms import PageBudget, Place, Refused, Stop

_CHUNK = PageBudget(rows_max=20, bytes_max=64 << 10)  # planned in one go, on an event loop that may be a worker's too
_REMOTE_CHUNK = PageBudget(rows_max=200, bytes_max=1 << 20)  # where each costs several round trips


class Backfill:
    """Looks at the catalog when it has changed, and builds one chunk of each index a run."""

    name = "backfill"
    every_seconds = 0.1

    def __init__(self, store: Store) -> None:
        self._store = store
        self._epoch: int | None = None
        self._pending: list[TableRecord] = []
        self._cursors: dict[int, Place | None] = {}  # by space of the index that is being built

    async def run_once(self) -> bool:
        epoch = self._store.engine.epoch()
        if epoch != self._epoch:
            self._pending = [record for record in await self._store.catalog.all() if _unfinished(record)]
            self._epoch = epoch
        if not self._pending:
            self._cursors.clear()
        advanced = False
        for record in self._pending:
            table = await self._store.catalog.reload(record.account, record.region, record.name)
            if table is not None and table.space == record.space and table.closed is None:
                advanced = await self._advance(table) or advanced
        return advanced

    async def _advance(self, table: Table) -> bool:
        """False where others came before: it is tried again a little later."""
        advanced = False
        for index in table.building:
            opened = table if index.record.backfilling else await self._open(table, index)
            if opened is not None:
                advanced = await self._chunk(opened, index) or advanced
        if table.expiry is not None and not table.expiry.record.ready:
            advanced = await self._chunk(table, table.expiry) or advanced
        return advanced

    async def _open(self, table: Table, index: SecondaryIndex) -> Table | None:
        """Let writes put entries, once every process knows of the index: the one that announced it may have died before
        all did. None: the table or the index is gone."""
        record = table.record
        await contention.announce(self._store.engine)
        changed = await self._change(record, index, partial(replace, backfilling=True))
        if isinstance(changed, Refused):
            return None
        return await self._store.catalog.reload(record.account, record.region, record.name)

    async def _chunk(self, table: Table, index: SecondaryIndex | ExpiryIndex) -> bool:
        """Whether a chunk was entered; the next one begins with the same items otherwise."""
        after = await self._begun(index.space)
        chunk = _REMOTE_CHUNK if self._store.engine.traits.remote else _CHUNK
        page = await table.scan(table.primary, 0, 1, chunk, after, True)
        if page.bodies:
            if not await upkeep.enter(self._store.engine, table, index, page.rows):
                return False
            self._cursors[index.space] = page.last
        if page.stop is Stop.EXHAUSTED:
            await self._finish(table, index)
            self._cursors.pop(index.space, None)
        return True

    async def _begun(self, space: int) -> Place | None:
        """Behind which item building goes on. It begins once every process writes by the new schema: the one that
        announced it may have died before all had."""
        if space not in self._cursors:
            await contention.announce(self._store.engine)
            self._cursors[space] = None
        return self._cursors[space]

    async def _finish(self, table: Table, index: SecondaryIndex | ExpiryIndex) -> None:
        if isinstance(index, SecondaryIndex):
            await self._change(table.record, index, partial(replace, status="ACTIVE", backfilling=False))
            return
        space = index.space

        def ready(record: TableRecord | None) -> TableRecord | Refused:
            if record is None or record.expiry is None or record.expiry.space != space:
                return Refused(None)
            return replace(record, expiry=replace(record.expiry, ready=True))

        record = table.record
        await self._store.catalog.change(record.account, record.region, record.name, ready)

    async def _change(
        self, record: TableRecord, index: SecondaryIndex, change: Callable[[IndexRecord], IndexRecord]
    ) -> TableRecord | Refused | None:
        """Alter an index that is being built; Refused if it is not any more."""

        def changed(record: TableRecord | None) -> TableRecord | Refused:
            current = None if record is None else record.index(index.name)
            if record is None or current is None or current.space != index.space or current.status != "CREATING":
                return Refused(None)
            return record.with_index(change(current))

        return await self._store.catalog.change(record.account, record.region, record.name, changed)


def _unfinished(record: TableRecord) -> bool:
    if record.status == "DELETING":
        return False
    return any(index.status == "CREATING" for index in record.indexes) or (
        record.expiry is not None and not record.expiry.ready
    )
