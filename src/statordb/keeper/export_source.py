"""What an export is made of: a table's items at a moment, or what came of them between two, out of its track."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

from statordb.archive.history import Net, OutOfReach, compacted, cut_at, state_at
from statordb.archive.objects import LOST, Bucket
from statordb.archive.state import state
from statordb.archive.stored import Stored
from statordb.keeper.sources import Failed
from statordb.objects.faults import Away, ObjectsFault
from statordb.store.archive.records import OVER
from statordb.store.backups.records import DONE, SYSTEM, BackupRecord
from statordb.store.jobs.records import ExportRecord
from statordb.store.records import TableRecord
from statordb.store.store import Store
from statordb.store.terms import Row

LOOK_SECONDS = 0.5  # between two looks whether all that was written until a moment is kept
_TICK = 0.001  # seconds: times of changes are of so much
_LOST = "InternalServerError"  # as a FailureCode

T = TypeVar("T")


class ExportSource:
    """Of one export. `bucket`: where the track's objects lie."""

    def __init__(self, store: Store, bucket: Bucket, record: ExportRecord) -> None:
        self._store = store
        self._bucket = bucket
        self._record = record

    async def table(self) -> TableRecord:
        """As it was when it was looked at last. Raises Failed."""
        return (await self._track()).track.source

    async def items(self) -> AsyncIterator[Sequence[Row]]:
        """Those of a full export: some at a time, each once, in no order. Raises Failed, and Away, which may pass."""
        last = await self._waited(self._until_cut)
        if isinstance(last, BackupRecord):
            found = state(self._bucket, last, await self._store.backups.parts(last))
        else:
            found = state_at(self._bucket, await self._track(), last)
        async for rows in _told(found):
            yield rows

    async def changes(self) -> AsyncIterator[Sequence[Net]]:
        """Those of an incremental export: some at a time, one of an item, in no order. Raises as `items`."""
        since, until = self._record.since, self._record.until
        assert since is not None
        upto = await self._waited(lambda: self._cut(until - _TICK))
        after = await self._waited(lambda: self._cut(since - _TICK))
        async for nets in _told(compacted(self._bucket, await self._track(), after, upto)):
            yield nets

    async def _track(self) -> Stored:
        record = self._record
        track = await self._store.tracks.find(record.account, record.region, record.track)
        if track is None:
            raise Failed(_LOST, "Point in time recovery was disabled.")
        return Stored(self._store.tracks, track)

    async def _cut(self, moment: float) -> int:
        return await cut_at(self._bucket, await self._track(), moment, self._store.engine.traits.change_step)

    async def _until_cut(self) -> int | BackupRecord:
        """Where the items are to be had: the cut of the moment, once there is a base; or, of a table that was deleted
        before that was kept, its last backup. Raises OutOfReach."""
        source = await self._track()
        try:
            cut = await self._cut(self._record.until)
            if not await source.bases():
                raise OutOfReach("there is no scan of the table yet")
        except OutOfReach:
            if source.track.phase != OVER:
                raise
            return await self._last_backup()
        return cut

    async def _last_backup(self) -> BackupRecord:
        """Raises OutOfReach until it is made, and Failed if there is none."""
        async for backup in self._store.backups.of(self._record.account, self._record.region, None):
            if backup.kind == SYSTEM and backup.source.id == self._record.table_id:
                if backup.phase != DONE:
                    raise OutOfReach("the last backup of the table is not made yet")
                return backup
        raise Failed(_LOST, "Point in time recovery was disabled.")

    async def _waited(self, look: Callable[[], Awaitable[T]]) -> T:
        """What is to be had, once it is."""
        while True:
            try:
                return await look()
            except OutOfReach as fault:
                if (await self._track()).track.phase == OVER and self._record.is_incremental:
                    raise Failed(_LOST, f"Point in time recovery was disabled: {fault}.") from None
            except LOST as fault:
                raise Failed(_LOST, str(fault)) from fault
            except ObjectsFault as fault:
                raise _away(fault) from fault
            await asyncio.sleep(LOOK_SECONDS)


async def _told(found: AsyncIterator[T]) -> AsyncIterator[T]:
    """The same, whose faults are not taken for those of the place that the export goes to."""
    opened: Any = found  # a generator, which is closed where nobody reads on
    async with aclosing(opened):
        try:
            async for each in found:
                yield each
        except LOST as fault:
            raise Failed(_LOST, str(fault)) from fault
        except ObjectsFault as fault:
            raise _away(fault) from fault


def _away(fault: ObjectsFault) -> Away:
    return Away(fault.code, f"What is kept of the table can't be read: {fault.text}")
