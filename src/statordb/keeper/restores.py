"""Puts the items back into tables that are restored; who comes after a keeper that died begins again, and finds what is
there."""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from functools import partial

from statordb.archive.chunks import DamagedChunk
from statordb.archive.history import OutOfReach, cut_at, state_at
from statordb.archive.loading import Batch
from statordb.archive.objects import LOST, Bucket
from statordb.archive.state import state
from statordb.archive.stored import Stored
from statordb.keeper.filling import Filling
from statordb.keeper.works import Works
from statordb.metering.series import BILLED, Series
from statordb.model.arns import parse_backup, parse_table
from statordb.objects.faults import ObjectsFault
from statordb.store.archive.records import TrackRecord
from statordb.store.backups.records import BackupRecord
from statordb.store.records import RestoreRecord, TableRecord
from statordb.store.store import Store
from statordb.store.terms import Row

RUN_SECONDS = 0.1
LOOK_SECONDS = 0.5  # between two looks whether a moment can be had
AT_ONCE = 2  # each may have a backup's entries in memory, and a chunk
RESTORED = "RestoreDataSize-Bytes"  # usage type


class Lost(Exception):
    """A table can't be restored, and was removed; args: its ARN, and why."""


class Restores:
    """A little of each in a run. `bucket`: where objects lie."""

    name = "restores"
    every_seconds = 0.1

    def __init__(self, store: Store, bucket: Bucket, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._bucket = bucket
        self._works = Works(monotonic, RUN_SECONDS, AT_ONCE)
        self._monotonic = monotonic
        self._reached: set[int] = set()  # spaces of tables whose moments can be had
        self._look_at = 0.0  # for more of them
        self._step = store.engine.traits.change_step
        self._epoch: int | None = None
        self._pending: Sequence[TableRecord] = ()

    async def run_once(self) -> bool:
        epoch = self._store.engine.epoch()
        if epoch != self._epoch:
            every = await self._store.catalog.all()
            self._pending = [record for record in every if record.restore is not None and record.status == "CREATING"]
            self._epoch = epoch
        return await self._works.run({record.space: partial(self._restore, record) for record in await self._ready()})

    async def rest(self) -> None:
        await self._works.rest()
        self._epoch = None

    async def _restore(self, record: TableRecord) -> AsyncIterator[None]:
        try:
            async for _ in self._fill(record, await self._state(record)):
                yield
        except LOST as fault:
            gone = partial(replace, status="DELETING", settles_at=self._store.clock.now(), restore=None)
            await Filling(self._store, record).end(gone)
            raise Lost(record.arn, str(fault)) from fault

    async def _ready(self) -> Sequence[TableRecord]:
        """Those for which all is kept that they are restored from."""
        now = self._monotonic()
        looks = now >= self._look_at
        if looks:
            self._look_at = now + LOOK_SECONDS
        ready = []
        for record in self._pending:
            is_asked = record.space not in self._reached and (looks or not _is_of_track(record))
            if is_asked and await self._is_ready(record):
                self._reached.add(record.space)
            if record.space in self._reached:
                ready.append(record)
        return ready

    async def _is_ready(self, record: TableRecord) -> bool:
        """Whether all that was written until its moment is kept where it is restored from."""
        assert record.restore is not None
        track = await self._track(record.restore) if _is_of_track(record) else None
        if track is None:
            return True
        source = Stored(self._store.tracks, track)
        try:
            await cut_at(self._bucket, source, record.restore.at, self._step)
        except OutOfReach:
            return False
        except (*LOST, ObjectsFault):
            return True  # it is told when it is restored
        return bool(await source.bases())

    async def _state(self, record: TableRecord) -> AsyncIterator[Sequence[Row]]:
        """The items of a table that is restored."""
        assert record.restore is not None
        if _is_of_track(record):
            track = await self._track(record.restore)
            if track is None:
                raise DamagedChunk("point-in-time recovery was disabled")
            source = Stored(self._store.tracks, track)
            return state_at(self._bucket, source, await cut_at(self._bucket, source, record.restore.at, self._step))
        backup = await self._backup(record.restore.backup)
        if backup is None:
            raise DamagedChunk("the backup is gone")
        return state(self._bucket, backup, await self._store.backups.parts(backup))

    async def _track(self, restore: RestoreRecord) -> TrackRecord | None:
        named = parse_table(restore.source)
        assert named is not None, "restores are begun with ARNs of tables"
        return await self._store.tracks.find(*named[:2], restore.track)

    async def _fill(self, record: TableRecord, items: AsyncIterator[Sequence[Row]]) -> AsyncIterator[None]:
        store, filling = self._store, Filling(self._store, record)
        waiting: list[Batch] = []
        async for rows in items:
            waiting += [Batch([row]) for row in rows] if filling.remote else [Batch(rows)]
            while len(waiting) >= filling.most:
                batches, waiting = waiting[: filling.most], waiting[filling.most :]
                if not await filling.load(batches):
                    return
                yield
        if waiting and not await filling.load(waiting):
            return
        ready = partial(replace, status="ACTIVE", settles_at=store.clock.now(), restore=None)
        if await filling.end(ready):
            usage = await store.engine.usage(record.space)
            tap = store.taps.of_table(record.account, record.region, record.name, record.id)
            tap.add(Series(BILLED, kind=RESTORED), usage.bytes)

    async def _backup(self, arn: str) -> BackupRecord | None:
        named = parse_backup(arn)
        assert named is not None, "restores are begun with ARNs of backups"
        found = await self._store.backups.find(named.account, named.region, named.id)
        if found is not None:
            return found
        return next((each for each in await self._store.backups.doomed() if each.arn == arn), None)


def _is_of_track(record: TableRecord) -> bool:
    """Whether a table is restored to a moment, and not from a backup."""
    return record.restore is not None and record.restore.track != ""
