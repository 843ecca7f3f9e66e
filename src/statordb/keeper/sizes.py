"""Sizes of tables: looked at every hour, and once a table is new, for the ledger. It keeps their capacity by itself,
but for that of tables which are older than it."""

from statordb.metering.month import HOUR
from statordb.metering.series import TABLE, TABLE_BYTES, TABLE_ITEMS, Series, Subject
from statordb.store.records import TableRecord
from statordb.store.store import Store
from statordb.store.terms import Refused

TABLES_MAX = 20
"""Looked at in one run."""


class Sizes:
    """Some tables a run, through all of them, then again after a minute: of those that were looked at in this hour
    nothing is told again."""

    name = "sizes"
    every_seconds = 60.0

    def __init__(self, store: Store) -> None:
        self._store = store
        self._looked: dict[str, int] = {}  # id of a table -> the hour in which it was looked at
        self._left: list[TableRecord] = []

    async def run_once(self) -> bool:
        hour = int(self._store.clock.now() // HOUR)
        if not self._left:
            every = [record for record in await self._store.catalog.all() if record.status != "DELETING"]
            self._looked = {record.id: self._looked.get(record.id, -1) for record in every}
            self._left = [record for record in every if self._looked[record.id] != hour]
        for record in self._left[:TABLES_MAX]:
            await self._look(record)
            if self._looked.get(record.id, -1) < 0:
                await self._see_to_capacity(record)
            self._looked[record.id] = hour
        del self._left[:TABLES_MAX]
        return bool(self._left)

    async def _look(self, record: TableRecord) -> None:
        """Tell the size of a table, and of each of its indexes."""
        tap = self._store.taps.of_table(record.account, record.region, record.name, record.id)
        there = [index for index in record.indexes if index.status != "DELETING"]
        for name, space in (("", record.space), *((index.name, index.space) for index in there)):
            usage = await self._store.engine.usage(space)
            tap.add(Series(TABLE_BYTES, name), usage.bytes)
            tap.add(Series(TABLE_ITEMS, name), usage.rows)

    async def _see_to_capacity(self, record: TableRecord) -> None:
        now = self._store.clock.now()
        subject = Subject(record.account, record.region, TABLE, record.name, record.id)
        if not await self._store.ledger.capacities(subject, now):
            await self._store.catalog.change(
                record.account, record.region, record.name, lambda current: current or Refused(None), is_new=True
            )
