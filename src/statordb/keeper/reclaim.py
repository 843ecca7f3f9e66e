"""Gives back the room of what was deleted: spaces of dropped tables and indexes, records of tables whose deletion is
over."""

from dataclasses import replace

from statordb.store.records import TableRecord
from statordb.store.store import Store
from statordb.store.terms import Refused

ROWS_PER_RUN_MAX = 500  # and what the engine has time for: others wait meanwhile


class Reclaim:
    """One chunk a run."""

    name = "reclaim"
    every_seconds = 0.5

    def __init__(self, store: Store) -> None:
        self._store = store
        self._epoch: int | None = None
        self._deleting: list[TableRecord] = []
        self._littered: list[TableRecord] = []

    async def run_once(self) -> bool:
        epoch = self._store.engine.epoch()
        if epoch != self._epoch:
            records = await self._store.catalog.all()
            self._deleting = [record for record in records if record.status == "DELETING"]
            self._littered = [record for record in records if record.leftover]
            self._epoch = epoch
        now = self._store.clock.now()
        over = [record for record in self._deleting if record.status_at(now) is None]
        if over or self._littered:
            wanted = {backup.source.space for backup in await self._store.backups.unfinished()}
            for record in over:
                if wanted.isdisjoint(record.spaces()):
                    await self._forget(record)
            for record in self._littered:
                await self._tidy(record, wanted)
        return await self._store.engine.reclaim(ROWS_PER_RUN_MAX)

    async def _forget(self, record: TableRecord) -> None:
        """Remove the record of a deleted table; its spaces first, so that a crash between leaves no orphan."""
        for space in record.spaces():
            await self._store.engine.drop_space(space)

        def change(current: TableRecord | None) -> TableRecord | Refused | None:
            return None if current == record else Refused(None)  # it may name more by now: again, once that is read

        await self._store.catalog.change(record.account, record.region, record.name, change)

    async def _tidy(self, record: TableRecord, wanted: set[int]) -> None:
        """Drop what a table's former indexes, or a former table of its name, left, but for spaces that a backup still
        wants; the record forgets it last, so that a crash between leaves no orphan."""
        dropped = [space for space in record.leftover if space not in wanted]
        if not dropped:
            return
        for space in dropped:
            await self._store.engine.drop_space(space)

        def change(current: TableRecord | None) -> TableRecord | Refused:
            if current is None or current.space != record.space:
                return Refused(None)
            return replace(current, leftover=[space for space in current.leftover if space not in dropped])

        await self._store.catalog.change(record.account, record.region, record.name, change)
