"""Makes the backups that were asked for, and removes the objects of those that were deleted."""

import time
from collections.abc import AsyncIterator, Callable, Hashable
from dataclasses import replace
from decimal import Decimal
from functools import partial

from statordb.archive.copying import copy, leave
from statordb.archive.objects import MANIFEST, Bucket, folder
from statordb.keeper.works import Work, Works
from statordb.metering.month import DAY, HOUR, Month
from statordb.metering.series import BILLED, Series
from statordb.metering.usage import gigabyte_months
from statordb.store.backups.records import USER, BackupRecord
from statordb.store.store import Store

RUN_SECONDS = 0.1
STORED = "TimedBackupStorage-ByteHrs"  # usage type
AT_ONCE = 4  # each has a chunk in memory, twice while it is kept


class Backups:
    """A little of each in a run. `bucket`: where objects lie."""

    name = "backups"
    every_seconds = 0.1

    def __init__(self, store: Store, bucket: Bucket, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._bucket = bucket
        self._works = Works(monotonic, RUN_SECONDS, AT_ONCE)
        self._charge_at = 0.0
        self._sweep_at: float | None = None  # None: nothing was put since the last time

    async def run_once(self) -> bool:
        store, bucket = self._store, self._bucket
        unfinished, doomed = await store.backups.unfinished(), await store.backups.doomed()
        works: dict[Hashable, Work] = {record.arn: partial(copy, store, bucket, record) for record in unfinished}
        works |= {f"-{record.arn}": partial(self._remove, record) for record in doomed}
        now = store.clock.now()
        if now >= self._charge_at:
            works[STORED] = self._charge
        if unfinished and self._sweep_at is None:
            self._sweep_at = now + DAY
        if self._sweep_at is not None and now >= self._sweep_at:
            works["sweep"] = self._sweep
        return await self._works.run(works)

    async def rest(self) -> None:
        await self._works.rest()

    async def _charge(self) -> AsyncIterator[None]:
        """Count what backups have taken since they were looked at last, once an hour; those that are over go."""
        now = self._store.clock.now()
        async for record in self._store.backups.every():
            if record.is_over(now):
                await self._store.backups.doom(record)
            elif record.kind == USER:  # AWS takes nothing for its own
                await self._count(record, now)
            yield
        self._charge_at = now + HOUR

    async def _sweep(self) -> AsyncIterator[None]:
        """Remove what is left of objects whose writers died; a place that nothing is put into is not reached for."""
        yield
        await self._bucket.sweep()
        self._sweep_at = None

    async def _count(self, record: BackupRecord, now: float) -> None:
        since = max(record.charged_at, record.created_at)
        if now - since < HOUR:
            return
        if await self._store.backups.change(record, partial(replace, charged_at=now)) is None:
            return
        source = record.source
        tap = self._store.taps.of_table(record.account, record.region, source.name, source.id)
        held = Decimal(record.size) * Decimal(now - since)
        tap.add(Series(BILLED, kind=STORED), float(gigabyte_months(held, Month.of(now).hours)))

    async def _remove(self, record: BackupRecord) -> AsyncIterator[None]:
        """Not while a table is restored from it: who asked for that may have come at the same moment."""
        every = await self._store.catalog.all()
        if any(table.is_restored_from(record.arn) for table in every):
            return
        await leave(self._store, record)
        yield
        for part in await self._store.backups.parts(record):
            await self._bucket.delete(f"{folder(record)}/{part.name}")
            await self._store.backups.drop_part(record, part)
            yield
        await self._bucket.delete(f"{folder(record)}/{MANIFEST}")
        await self._store.backups.forget(record)
