"""Bringing a whole store back: its own rows, then its tables one by one. Who died in between begins again from the
start: rows that are there are put once more, tables that are whole are passed over.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from statordb.archive.history import OutOfReach
from statordb.archive.loading import Batch, load
from statordb.archive.objects import LOST
from statordb.archive.whole.reading import Archive, backups_in, rows_in
from statordb.archive.whole.records import ItemsRecord, MomentRecord
from statordb.archive.whole.tracked import cut_of, found, items_at, reached
from statordb.archive.whole.writing import Told
from statordb.engine.contract import Effects, Key
from statordb.store import contention, formats, readers, records
from statordb.store.backups.backups import is_doomed, is_record
from statordb.store.backups.records import BACKUP
from statordb.store.catalog import creation
from statordb.store.keyspace import Space
from statordb.store.records import TableRecord
from statordb.store.store import Store
from statordb.store.terms import Refused, Row
from statordb.store.whole.system import comes_back, is_table
from statordb.store.whole.tables import emptied, has_readers, is_filled_by_keeper, opening

AT_ONCE = 16  # updates of some rows each, which go into one commit: nobody else waits for it
AT_ONCE_REMOTE = 48  # rows, each an update of its own

Scope = tuple[str, str, str]


@dataclass(slots=True)
class Restored:
    """What became of it. `missing`: ARNs of tables that are not there, and why; `shortened`: of those that are not as
    they were at the moment, but as they were before; `lost`: ARNs of backups whose objects are not in the place of the
    store's own; `fresh`: of tables whose streams or destinations begin anew."""

    tables: int = 0
    items: int = 0
    missing: list[tuple[str, str]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    shortened: list[tuple[str, str]] = field(default_factory=list)
    fresh: list[str] = field(default_factory=list)


class Restoring:
    """Of one moment. `archive`: where that is; `objects`: where the store's own objects are, its backups among them."""

    def __init__(self, store: Store, archive: Archive, objects: Archive, moment: MomentRecord, told: Told) -> None:
        self._store = store
        self._archive = archive
        self._objects = objects
        self._moment = moment
        self._told = told
        self._tables: dict[Scope, TableRecord] = {}
        self._cut = 0  # of tables whose changes were archived
        self._backups: set[str] = set()  # ids that the store knew
        self._doomed: set[str] = set()
        self.restored = Restored()

    async def run(self) -> Restored:
        """Raises what the store and the buckets do, and LOST where a row of the store's own is lost."""
        await self._system()
        await self._adopt()
        self._cut = await cut_of(self._archive, self._moment)
        for each in self._moment.tables:
            try:
                await self._table(self._tables[each.scope], each)
            except LOST as fault:
                await self._remove(each)
                self.restored.missing.append((each.arn, str(fault)))
        return self.restored

    async def _system(self) -> None:
        for part in self._moment.system:
            for chunk in part.chunks:
                async for rows in rows_in(self._archive, chunk):
                    self._note(part.space, rows)
                    await self._put(part.space, [row for row in rows if comes_back(part.space, row)])
        engine = self._store.engine
        if self._moment.formats != formats.current():
            effects = Effects(writes=((formats.KEY, b"%d" % self._moment.formats),))
            await contention.update(engine, (formats.KEY,), lambda stored: effects)
            await formats.admit(engine, self._store.clock.now())

    def _note(self, space: int, rows: Iterable[Row]) -> None:
        """See which tables and backups the store knew."""
        for row in rows:
            if space == Space.CATALOG and is_table(row):
                record = records.load(row.body)
                self._tables[record.account, record.region, record.name] = record
            elif space == Space.BACKUPS and is_record(row):
                self._backups.add(BACKUP.load(row.body).arn)
            elif space == Space.BACKUPS and is_doomed(row):
                self._doomed.add(BACKUP.load(row.body).arn)

    async def _put(self, space: int, rows: Sequence[Row]) -> None:
        """Put rows as they are."""
        if not rows:
            return
        writes = [(Key(space, row.partition, row.sort), row.body) for row in rows]
        engine = self._store.engine
        if not engine.traits.remote:
            await contention.update(engine, [key for key, _ in writes], lambda stored: Effects(writes=writes))
            return
        for begin in range(0, len(writes), AT_ONCE_REMOTE):
            some = writes[begin : begin + AT_ONCE_REMOTE]
            await asyncio.gather(*(contention.update(engine, (one[0],), partial(_put_one, one)) for one in some))

    async def _adopt(self) -> None:
        """Know the backups whose objects are there, be they newer than the moment."""
        found = set[str]()
        async for record, parts in backups_in(self._objects):
            if record.arn not in self._doomed:
                await self._store.backups.adopt(record, parts)
                found.add(record.arn)
        self.restored.lost = sorted(self._backups - found)

    async def _table(self, source: TableRecord, items: ItemsRecord) -> None:
        if source.restore is not None and source.restore.track:  # by records that are lost
            self.restored.missing.append((items.arn, "it was being restored to a moment: ask for that again"))
            return
        if items.missing and not self._moment.archived:
            self.restored.missing.append((items.arn, items.missing))
            return
        record = await self._begun(source)
        if not is_filled_by_keeper(source) and record.restore is not None:
            if not await self._fill(record, self._items(items)):
                return
            await self._open(source, record)
        self.restored.tables += 1
        if has_readers(source):
            self.restored.fresh.append(source.arn)

    async def _begun(self, source: TableRecord) -> TableRecord:
        """The table's record, made if it is not there yet."""
        catalog, scope = self._store.catalog, (source.account, source.region, source.name)
        current = await catalog.stored(*scope)
        if current is not None and current.status != "DELETING":
            return current
        draft = self._store.draft()
        record = await emptied(source, self._moment.at, draft)
        created = await catalog.change(*scope, creation(record, self._store.clock.now()), draft)
        assert isinstance(created, TableRecord), "nobody else uses the store"
        return created

    async def _fill(self, record: TableRecord, items: AsyncIterator[Sequence[Row]]) -> bool:
        """False if its items can't be written."""
        table = await self._store.catalog.reload(record.account, record.region, record.name)
        assert table is not None
        if table.closed is not None:
            await self._remove_table(record)
            self.restored.missing.append((record.arn, str(table.closed.error().message)))
            return False
        remote = self._store.engine.traits.remote
        most, waiting = (AT_ONCE_REMOTE if remote else AT_ONCE), list[Sequence[Row]]()
        async for rows in items:
            waiting += [[row] for row in rows] if remote else [rows]
            while len(waiting) >= most:
                some, waiting = waiting[:most], waiting[most:]
                await asyncio.gather(*(load(self._store, table, Batch(each)) for each in some))
            self.restored.items += len(rows)
            self._told(len(rows), sum(len(row.body) for row in rows))
        await asyncio.gather(*(load(self._store, table, Batch(each)) for each in waiting))
        return True

    async def _items(self, items: ItemsRecord) -> AsyncIterator[Sequence[Row]]:
        """Some at a time. What was not archived yet has none. Raises LOST."""
        why = items.missing
        if items.track:
            source = await found(self._archive, items)
            cut, why = reached(source, self._cut)
            try:
                async for rows in items_at(self._archive, source, cut):
                    yield rows
            except OutOfReach as fault:
                why = str(fault)
        if why:
            self.restored.shortened.append((items.arn, why))
        for chunk in items.chunks:
            async for rows in rows_in(self._archive, chunk):
                yield rows

    async def _open(self, source: TableRecord, record: TableRecord) -> None:
        store, scope = self._store, (record.account, record.region, record.name)
        label = source.stream_label if source.stream_view is not None else None
        decide = opening(store, source, record.space, store.clock.now())
        opened = await readers.change(store, scope, record, decide, label=label, joins=has_readers(source))
        assert not isinstance(opened, Refused), "nobody else uses the store"

    async def _remove(self, items: ItemsRecord) -> None:
        current = await self._store.catalog.stored(*items.scope)
        if current is not None and current.restore is not None:
            await self._remove_table(current)

    async def _remove_table(self, record: TableRecord) -> None:
        """The server's keeper gives its spaces back."""
        gone = partial(replace, status="DELETING", settles_at=0.0, restore=None)
        await self._store.catalog.change(
            record.account, record.region, record.name, lambda current: None if current is None else gone(current)
        )


def _put_one(write: tuple[Key, bytes], stored: object) -> Effects:
    return Effects(writes=(write,))
