"""Deletes items whose time to live is over, in the order of the expiry index."""

import asyncio

from statordb.engine.contract import Budget, Key, Refused
from statordb.model.errors import ClientError
from statordb.store import codec
from statordb.store.image import Image
from statordb.store.indexes.expiry import PARTITIONS, ExpiryIndex
from statordb.store.store import Store
from statordb.store.table import Table

_CHUNK = Budget(rows_max=100, bytes_max=1 << 20)


class Expiry:
    """Each run looks at every table with time to live, and deletes at most a chunk a partition."""

    name = "expiry"
    every_seconds = 0.5

    def __init__(self, store: Store) -> None:
        self._store = store
        self._epoch: int | None = None
        self._tables: list[tuple[str, str, str]] = []

    async def run_once(self) -> bool:
        epoch = self._store.engine.epoch()
        if epoch != self._epoch:
            records = await self._store.catalog.all()
            self._tables = [(r.account, r.region, r.name) for r in records if r.expiry is not None]
            self._epoch = epoch
        more = False
        for name in self._tables:
            table = await self._store.catalog.find(*name)
            if table is not None and table.expiry is not None:
                more = await self._expire(table, table.expiry) or more
        return more

    async def _expire(self, table: Table, index: ExpiryIndex) -> bool:
        now = self._store.clock.now()
        deleted = 0
        for partition in range(PARTITIONS):
            page = await self._store.engine.range(index.space, bytes((partition,)), index.expired(now), True, _CHUNK)
            keys = [table.primary.key(codec.decode(body)) for body in page.bodies]
            deleted += sum(await asyncio.gather(*(self._delete(table, index, key, now) for key in keys)))
        return deleted > 0

    async def _delete(self, table: Table, index: ExpiryIndex, key: Key, now: float) -> bool:
        """Delete one item unless it was changed meanwhile so that it is not due any more."""

        def apply(old: Image | None) -> Image | Refused | None:
            return None if old is not None and index.due(old, now) else Refused(None)

        try:
            return not isinstance(await table.write(key, apply, service=True), Refused)
        except ClientError:  # the table was deleted meanwhile
            return False
