"""Looks at all that a store keeps, while it is in use or not."""

import asyncio
from collections.abc import Awaitable, Callable

from statordb.engine.contract import Row, Usage
from statordb.model.errors import ClientError
from statordb.store import codec
from statordb.store.catalog import Name
from statordb.store.keyspace import Space
from statordb.store.store import Store
from statordb.store.table import Table
from statordb.store.verifying.findings import Enough, Fault, Finding, Report, Summary, place_of
from statordb.store.verifying.indexes import Indexes, spaces_of
from statordb.store.verifying.logs import Log
from statordb.store.verifying.walk import TOGETHER, Damaged, walk

COUNTS = 3  # of a space's rows, until nobody has written to it meanwhile


class Verifier:
    """See `run`."""

    def __init__(
        self, store: Store, tell: Callable[[Finding], None], pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._store = store
        self._engine = store.engine
        self._tell = tell
        self._pause = pause
        self.summary = Summary()

    async def run(self) -> Summary:
        """Opens every row, and compares items with index entries, newest changes and totals. Raises what the engine
        does."""
        for space in Space:
            if space is not Space.SEAL:  # which has wrapped keys, and no sealed rows
                await self._own(space)
        for record in await self._store.catalog.all():
            await self._table((record.account, record.region, record.name))
        return self.summary

    async def _own(self, space: Space) -> None:
        report = Report(f"the store's own rows, {space.name.lower()}", self.summary, self._tell)
        try:
            async for row in walk(self._engine, space):
                self.summary.rows += 1
                if isinstance(row, Damaged):
                    report.add(Fault.DAMAGED, None, place_of(row.partition, row.sort), detail=row.why)
        except Enough:
            pass

    async def _table(self, name: Name) -> None:
        table = await self._store.catalog.reload(*name)
        if table is None or table.record.status == "DELETING":
            return
        of = "/".join(name)
        if table.closed is not None:
            self.summary.left_out.append((of, "its key can't be used"))
            return
        report = Report(of, self.summary, self._tell)
        try:
            indexes = Indexes(self._store, table, report, self._pause)
            await self._items(table, indexes, report)
            for index, space in spaces_of(table).items():
                await indexes.entries(index, space)
            if table.record.log is not None:
                await Log(self._store, table, report, self._pause).run()
            if not self._engine.traits.remote:  # else each process notes its own totals, now and then
                await self._totals(table, report)
        except Enough:
            self.summary.left_out.append((of, "it has so many faults that the rest was left out"))
        except ClientError as fault:  # its key was disabled in between
            self.summary.left_out.append((of, fault.message or fault.type))

    async def _items(self, table: Table, indexes: Indexes, report: Report) -> None:
        together: list[Row] = []
        async for row in walk(self._engine, table.space):
            self.summary.rows += 1
            if isinstance(row, Damaged):
                report.add(Fault.DAMAGED, None, place_of(row.partition, row.sort), detail=row.why)
                continue
            together.append(row)
            if len(together) == TOGETHER:
                await indexes.items(together)
                together = []
        await indexes.items(together)

    async def _totals(self, table: Table, report: Report) -> None:
        counted: list[tuple[str | None, int]] = [(None, table.space)]
        counted += [(index.name, index.space) for index in table.indexes if index.active]
        for name, space in counted:
            for _ in range(COUNTS):
                before = await self._engine.usage(space)
                found = await self._count(space)
                if found is None or found == before:
                    break
                if before == await self._engine.usage(space) and found == await self._count(space):
                    detail = f"{found.rows} rows of {found.bytes} bytes, not {before.rows} of {before.bytes}"
                    report.add(Fault.TOTALS, name, detail=detail)
                    break
            else:
                self.summary.uncounted += 1

    async def _count(self, space: int) -> Usage | None:
        """None where a row can't be opened, which tells enough."""
        rows = size = 0
        async for row in walk(self._engine, space):
            if isinstance(row, Damaged):
                return None
            rows, size = rows + 1, size + codec.size(row.body)
        return Usage(rows, size)
