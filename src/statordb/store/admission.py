"""Which operations on tables are let in where the server keeps to AWS's quotas."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from statordb.engine.contract import Engine
from statordb.model import errors
from statordb.model.clock import Clock
from statordb.model.quotas import Quotas
from statordb.store import records
from statordb.store.keyspace import Space
from statordb.store.rows import rows

_ACTIVE = b'"status":"ACTIVE"'  # first the table's, then those of its indexes
_STATUS = b'"status":"'


class Admission:
    """Lets operations on tables in within the quotas. Records are counted as they are, so all servers keep to them;
    what several processes begin at one moment may be more by their number."""

    def __init__(self, engine: Engine, clock: Clock, quotas: Quotas) -> None:
        self._engine = engine
        self._clock = clock
        self._quotas = quotas
        self._creating = asyncio.Lock()

    @asynccontextmanager
    async def new_table(self, account: str, region: str) -> AsyncIterator[None]:
        """Within this a table may be created; raises LimitExceededException. One at a time."""
        quotas = self._quotas
        if not (quotas.tables or quotas.control_operations):
            yield
            return
        async with self._creating:
            tables, changing = await self._count(account, region)
            if quotas.tables and tables >= quotas.tables:
                raise errors.too_many_tables(quotas.tables)
            self._check(changing)
            yield

    async def change(self, account: str, region: str) -> None:
        """A table is to be changed or deleted; raises LimitExceededException."""
        if self._quotas.control_operations:
            self._check((await self._count(account, region))[1])

    def _check(self, changing: int) -> None:
        most = self._quotas.control_operations
        if most and changing >= most:
            raise errors.too_many_control_operations(most)

    async def _count(self, account: str, region: str) -> tuple[int, int]:
        """Tables, and how many of them are being created, changed or deleted, or have an index that is."""
        tables = changing = 0
        now = self._clock.now()
        async for row in rows(self._engine, Space.CATALOG, f"tables/{account}/{region}".encode()):
            tables += 1
            if row.body.count(_STATUS) != row.body.count(_ACTIVE):  # else nothing has to be parsed
                record = records.load(row.body)
                status = record.status_at(now)
                tables -= status is None
                changing += status not in (None, "ACTIVE") or any(index.status != "ACTIVE" for index in record.indexes)
        return tables, changing
