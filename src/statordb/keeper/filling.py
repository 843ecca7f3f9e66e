"""Filling a table that is CREATING until the keeper has put its items there."""

from collections.abc import Callable, Sequence

from statordb.archive.loading import Batch, load
from statordb.keeper.rounds import in_rounds
from statordb.store.records import TableRecord
from statordb.store.store import Store
from statordb.store.table import Table
from statordb.store.terms import Refused

LOADED_AT_ONCE = 4  # updates of some rows each, which go into one commit
LOADED_AT_ONCE_REMOTE = 48  # rows, each an update of its own


class Filling:
    """Of one table. `record`: as it was when that was begun."""

    def __init__(self, store: Store, record: TableRecord) -> None:
        self._store = store
        self._record = record
        self.remote = store.engine.traits.remote
        self.most = LOADED_AT_ONCE_REMOTE if self.remote else LOADED_AT_ONCE

    async def load(self, batches: Sequence[Batch]) -> bool:
        """False where the table is filled no more. Raises what its key is refused with."""
        while True:
            table = await self._table()
            if table is None:
                return False
            if table.closed is not None:
                raise table.closed.error()
            if all(await in_rounds(load(self._store, table, batch) for batch in batches)):
                return True

    async def end(self, change: Callable[[TableRecord], TableRecord]) -> bool:
        """Whether it was still being filled."""
        record = self._record

        def changed(current: TableRecord | None) -> TableRecord | Refused:
            if current is None or current.space != record.space or not current.is_being_filled:
                return Refused(None)
            return change(current)

        outcome = await self._store.catalog.change(record.account, record.region, record.name, changed)
        return not isinstance(outcome, Refused)

    async def _table(self) -> Table | None:
        record = self._record
        name = (record.account, record.region, record.name)
        table = self._store.catalog.cached(*name) or await self._store.catalog.reload(*name)
        is_same = table is not None and table.space == record.space and table.record.is_being_filled
        return table if is_same else None
