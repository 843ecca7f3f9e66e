"""Keeps the changes of archived tables as segments, and their rows as bases; what is out of their windows goes.

Three kinds of tasks go on beside the keeper's turns: one has all tables shipped, round by round; one for each base that
is due; one removes.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from statordb.archive.asking import last_of
from statordb.archive.basing import finished, is_due, scan_base
from statordb.archive.joining import is_living, join, leave
from statordb.archive.manifests import put_manifest
from statordb.archive.objects import Bucket
from statordb.archive.retiring import remove, retire
from statordb.archive.shipping import Mark, is_heard, mark, ship
from statordb.archive.whole.moments import Moments
from statordb.keeper.crew import Crew, Report
from statordb.keeper.recovery_charges import charge
from statordb.store.archive.records import LIVE, OVER, BaseRecord, TrackRecord
from statordb.store.backups.records import table_members
from statordb.store.records import TableRecord
from statordb.store.store import Store
from statordb.store.terms import Refused

SHIP_SECONDS = 10.0  # behind which what was written lies in objects
ROUNDS_SHARE = 0.7  # of that, from the beginning of a round to that of the next one, which takes a while
PAUSE_SECONDS_MIN = 0.2  # behind a round
HURRIED_SECONDS = 1.0  # while somebody waits for one
RETIRE_SECONDS = 3600.0
SHIPPED_AT_ONCE = 4  # tables, each with a segment in memory
BASES_AT_ONCE = 2
TOLD_SEGMENTS = 100  # after which a track's manifest is written again


class Archiving:
    """A little task of its own. `bucket`: where objects lie; `seconds`: how far behind it may be; `moments`: of the
    whole store, if all of it is archived."""

    name = "archive"
    every_seconds = 0.5

    def __init__(
        self,
        store: Store,
        bucket: Bucket,
        report: Report,
        seconds: float = SHIP_SECONDS,
        moments: Moments | None = None,
    ) -> None:
        self._store = store
        self._moments = moments
        self._crew = Crew(self.name, report)
        self._epoch: int | None = None
        self._seconds = seconds
        self.archivist = Archivist(store, bucket, report)

    async def run_once(self) -> bool:
        epoch = self._store.engine.epoch()
        if epoch != self._epoch:
            await self.archivist.look()
            self._epoch = epoch
        await self._crew.reconcile(self._works())
        return False

    async def rest(self) -> None:
        await self._crew.rest()
        self._epoch = None
        if self._moments is not None:
            self._moments.forget()

    def _works(self) -> Mapping[Hashable, Callable[[], Coroutine[Any, Any, None]]]:
        archivist = self.archivist
        if not archivist.tracks and self._moments is None:
            return {}
        works: dict[Hashable, Callable[[], Coroutine[Any, Any, None]]] = {"rounds": self._ship, "retire": self._retire}
        for id in archivist.bases_due()[:BASES_AT_ONCE]:
            works[id] = lambda id=id: archivist.scan(id)  # type: ignore[misc]
        return works

    async def _ship(self) -> None:
        time = asyncio.get_running_loop().time
        while True:
            begun = time()
            try:
                await self.archivist.round()
            finally:
                if self._moments is not None:
                    await self._moments.keep()
            pause = ROUNDS_SHARE * self._seconds
            if self.archivist.is_hurried():
                pause = min(pause, HURRIED_SECONDS)
            await asyncio.sleep(max(begun + pause - time(), PAUSE_SECONDS_MIN))

    async def _retire(self) -> None:
        while True:
            async for _ in self.archivist.retire():
                await asyncio.sleep(0)
            await asyncio.sleep(RETIRE_SECONDS if not self.archivist.has_over() else HURRIED_SECONDS)


class Archivist:
    """What is done for tables that are archived. `tracks`: those that are known, by their ids."""

    def __init__(self, store: Store, bucket: Bucket, report: Report) -> None:
        self._store = store
        self._bucket = bucket
        self._report = report
        self.tracks: dict[str, TrackRecord] = {}
        self._tables: dict[str, TableRecord] = {}  # by the ids of their tracks
        self._bases: dict[str, Sequence[BaseRecord]] = {}
        self._told: dict[str, object] = {}  # what manifests were written of
        self._wanted: set[str] = set()  # tracks that somebody restores from
        self._exported: set[str] = set()  # tracks that are exported

    async def look(self) -> None:
        """Learn which tables there are, have those join that are to be archived, and leave that are not."""
        store = self._store
        faults: list[Exception] = []
        tables: dict[str, TableRecord] = {}
        every = await store.catalog.all()
        self._wanted = {each.restore.track for each in every if each.restore is not None and each.restore.track}
        await self._learn_exports()
        for table in every:
            try:
                await self._keep_last(table)
                named = await self._reconcile(table)
            except Exception as fault:
                faults.append(fault)
                named = table
            if named.track is not None:
                tables[named.track] = named
        found = {track.id: track for track in await store.tracks.all()}
        for id, table in tables.items():
            if id not in found:  # who had the table join has died
                await store.tracks.begin(table, store.clock.now())
                track = await store.tracks.of(table)
                assert track is not None
                found[id] = track
        for id, track in found.items():
            if id not in tables and track.phase == LIVE and not await is_living(store, track):
                over = await store.tracks.change(track, lambda now: replace(now, phase=OVER))
                found[id] = over or track
        self.tracks, self._tables = found, tables
        for id, track in found.items():
            if id not in self._bases:
                self._bases[id] = await store.tracks.bases(track)
        for each in faults:
            self._report(Archiving.name, each)

    async def _learn_exports(self) -> None:
        """Exports are not announced."""
        self._exported = {each.track for each in await self._store.exports.under_way()}

    def _is_held(self, track: TrackRecord) -> bool:
        return track.id in self._wanted or track.id in self._exported

    async def _keep_last(self, table: TableRecord) -> None:
        """Have a table that was deleted with recovery enabled be backed up for the last time; then it may go."""
        recovery, store = table.recovery, self._store
        if recovery is None or recovery.deleted_at is None:
            return
        name = (table.account, table.region, table.name)
        current = await store.catalog.reload(*name)
        if current is None or current.record.recovery != recovery:
            return
        backup = await last_of(current)
        if await store.backups.find(backup.account, backup.region, backup.id) is None:
            await store.backups.add(backup, current.guard)
        over = store.clock.now() + store.table_delay_seconds

        def change(record: TableRecord | None) -> TableRecord | Refused:
            if record is None or record.recovery != recovery:
                return Refused(None)
            return replace(record, recovery=None, settles_at=over)

        await store.catalog.change(*name, change)

    async def _reconcile(self, table: TableRecord) -> TableRecord:
        """The table's record, when it has joined, or left, as it should."""
        store = self._store
        if table.restore is not None or table.status == "DELETING":
            return table
        wanted = bool(store.tracks.reasons(table))
        if wanted is (table.track is not None):
            return table

        def change(current: TableRecord | None) -> TableRecord | Refused:
            if current is None or current.space != table.space or current.status == "DELETING":
                return Refused(None)
            return Refused(None) if bool(store.tracks.reasons(current)) is not wanted else current

        outcome = await (join if wanted else leave)(store, table, change)
        if isinstance(outcome, Refused):
            if outcome.reason is not None:
                raise outcome.reason
            return table
        return outcome

    def bases_due(self) -> list[str]:
        """Tracks of which a base is to be made."""
        now = self._store.clock.now()
        return [track.id for track in self._living() if is_due(track, self._bases.get(track.id, ()), now)]

    def is_hurried(self) -> bool:
        """Whether somebody waits for the next round."""
        if self._wanted or self._exported:
            return True
        return any(
            track.begin is None or not any(base.is_done for base in self._bases.get(track.id, ()))
            for track in self._living()
        )

    def has_over(self) -> bool:
        return any(track.phase == OVER and not self._is_held(track) for track in self.tracks.values())

    def _living(self) -> list[TrackRecord]:
        return [track for track in self.tracks.values() if track.phase == LIVE]

    async def round(self) -> None:
        """Have all that was written until now lie in segments. What fails of one table keeps no other from it: then the
        first fault is raised."""
        store, now = self._store, self._store.clock.now()
        await self._learn_exports()
        heard = [track for track in self._living() if track.begin is not None or is_heard(store, track, now)]
        if not heard:
            return
        scanned = {track.id: self._scanned(track, now) for track in heard}
        reached = await mark(store)
        faults: list[BaseException] = []
        for at in range(0, len(heard), SHIPPED_AT_ONCE):
            some = heard[at : at + SHIPPED_AT_ONCE]
            done = await asyncio.gather(
                *(self._ship(track, reached, scanned[track.id]) for track in some), return_exceptions=True
            )
            faults += [fault for fault in done if fault is not None]
        if faults:
            raise faults[0]

    def _scanned(self, track: TrackRecord, now: float) -> BaseRecord | None:
        """The base of a track that is done with the next mark."""
        last = next(reversed(self._bases.get(track.id, ())), None)
        if last is None or last.is_done or not last.scanned_at:
            return None
        return last if is_heard(self._store, replace(track, joined_at=last.scanned_at), now) else None

    async def _ship(self, track: TrackRecord, reached: Mark, scanned: BaseRecord | None) -> None:
        tracks = self._store.tracks
        shipped = await ship(self._store, self._bucket, track, reached)
        if shipped is None:
            self.tracks.pop(track.id, None)
            current = await tracks.find(track.account, track.region, track.id)
            if current is not None:
                self.tracks[track.id] = current
            return
        if scanned is not None:
            await tracks.keep_base(shipped, finished(scanned, reached.sequence))
            self._bases[track.id] = await tracks.bases(shipped)
        table = self._tables.get(track.id)
        if table is not None and (members := table_members(table)) != shipped.table:
            shipped = await tracks.change(shipped, lambda now: replace(now, table=members)) or shipped
        self.tracks[track.id] = shipped
        await self._tell(shipped)

    async def _tell(self, track: TrackRecord) -> None:
        done = [base.number for base in self._bases.get(track.id, ()) if base.is_done]
        told = (done, track.next // TOLD_SEGMENTS, track.table, track.begin)
        if self._told.get(track.id) != told:
            await put_manifest(self._store.tracks, self._bucket, track)
            self._told[track.id] = told

    async def scan(self, id: str) -> None:
        """Make the base that is due of a track."""
        track = self.tracks[id]
        async for _ in scan_base(self._store, self._bucket, track):
            pass
        self._bases[id] = await self._store.tracks.bases(track)

    async def retire(self) -> AsyncIterator[None]:
        """Remove what nobody can ask for any more, and count what the rest takes; gives back between small pieces."""
        now, tracks = self._store.clock.now(), self._store.tracks
        await self._learn_exports()
        for track in list(self.tracks.values()):
            table = self._tables.get(track.id)
            if self._is_held(track):
                continue
            if track.phase == OVER:
                async for _ in remove(tracks, self._bucket, track):
                    yield
                self.tracks.pop(track.id, None)
                self._bases.pop(track.id, None)
                self._told.pop(track.id, None)
            elif table is not None:
                await charge(self._store, track, table)
                async for _ in retire(tracks, self._bucket, track, now - tracks.window(table)):
                    yield
                self._bases[track.id] = await tracks.bases(track)
