"""The moments of the archive: behind each round in which the changes of tables were shipped, the store's own rows and
how far the tracks are. What has not changed since is named again, and not put again.

A space is looked at as often as it takes little: one that takes long to read waits for forty times as long. What a
change of is announced is looked at when something was, and once a minute.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from functools import partial

from statordb.archive.chunks import Gathered
from statordb.archive.objects import LOST, Bucket, names, put_chunk
from statordb.archive.whole import reading
from statordb.archive.whole.records import ChunkRecord, ItemsRecord, MomentRecord, SystemRecord
from statordb.archive.whole.writing import begun, is_there, name_of, put_manifest, system
from statordb.store.archive.records import LIVE, TrackRecord
from statordb.store.keyspace import Space
from statordb.store.records import TableRecord
from statordb.store.sealed.engine import SealedEngine
from statordb.store.store import Store
from statordb.store.whole.system import CARRIED

KEPT = 3  # moments, and the last one that has all tables
FOLDER = "whole/archive/"
BEHIND_SECONDS_MAX = 60.0  # a track that is further behind the others holds the moment up no more
_PAUSE_SHARE = 40.0
_ANNOUNCED = frozenset((Space.CATALOG, Space.KMS, Space.MAPPINGS))
_ANNOUNCED_SECONDS = 60.0
_LOOKS = 5  # at rows that somebody changes meanwhile, where an engine has no snapshots

Reading = Callable[[], AbstractAsyncContextManager[SealedEngine]]
"""What all of a store is read from: as it is at one moment, where the engine can give that."""


@dataclass(slots=True)
class _Looked:
    """What was found of a space, when (by a monotonic clock), how long that took, and the epoch before; and which
    functions there were then."""

    part: SystemRecord
    at: float
    seconds: float
    epoch: int
    tables: list[TableRecord] = field(default_factory=list)
    functions: SystemRecord | None = None


class Moments:
    """Keeps them in a bucket; one keeper at a time does."""

    def __init__(
        self, store: Store, bucket: Bucket, reading: Reading, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._bucket = bucket
        self._reading = reading
        self._monotonic = monotonic
        self._looked: dict[Space, _Looked] = {}
        self._known: dict[bytes, ChunkRecord] = {}  # by the digests of what they have
        self._based: set[str] = set()  # tracks that have a base, which they go on having
        self._kept: list[MomentRecord] | None = None  # of the archive; None: it is not known yet which there are
        self.last: MomentRecord | None = None

    def forget(self) -> None:
        """Another keeper may do it meanwhile."""
        self._looked, self._known, self._kept = {}, {}, None

    async def keep(self) -> None:
        """One more, if anything has changed. Raises what the store and the bucket do."""
        if self._kept is None:
            self._kept = await self._find()
        async with self._reading() as engine:
            moment = await begun(engine, self._store.clock.now())
            for _ in range(_LOOKS):
                epoch = self._store.engine.epoch()
                await self._look(engine, moment.id)
                if engine.traits.guards or self._store.engine.epoch() == epoch:
                    break
        moment = self._whole(moment, await self._tracks())
        if self.last is not None and _content(moment) == _content(self.last):
            return
        await put_manifest(self._bucket, moment)
        self.last = moment
        self._kept.append(moment)
        await self._drop_old(self._kept)

    async def _look(self, engine: SealedEngine, id: str) -> None:
        """At all spaces whose time has come."""
        for space in CARRIED:
            known, now, epoch = self._looked.get(space), self._monotonic(), engine.epoch()
            if known is not None and not self._is_due(space, known, now, epoch):
                continue
            tables: list[TableRecord] = []
            part = await system(engine, space, partial(self._chunk, id), tables)
            self._looked[space] = _Looked(part, now, self._monotonic() - now, epoch, tables, self._functions())

    def _is_due(self, space: Space, known: _Looked, now: float, epoch: int) -> bool:
        if now - known.at < known.seconds * _PAUSE_SHARE:
            return False
        if space is Space.FUNCTION_CODE:  # it is there before a function has it, and never changes
            return self._functions() != known.functions
        return space not in _ANNOUNCED or epoch != known.epoch or now - known.at >= _ANNOUNCED_SECONDS

    def _functions(self) -> SystemRecord | None:
        """What functions there are, as it was found last."""
        known = self._looked.get(Space.FUNCTIONS)
        return None if known is None else known.part

    async def _chunk(self, id: str, chunk: Gathered) -> ChunkRecord:
        """Where a chunk lies, put there unless it is there already."""
        content = await asyncio.to_thread(chunk.digest)
        known = self._known.get(content)
        if known is None:
            name = f"{FOLDER}{id}/{content.hex()[:8]}-{len(self._known):06d}"
            digest = await put_chunk(self._bucket, name, chunk)
            known = self._known[content] = ChunkRecord(name, digest, chunk.size, chunk.entries)
        return known

    async def _tracks(self) -> dict[str, TrackRecord]:
        """Those from which items can be had."""
        tracks = self._store.tracks
        living = [track for track in await tracks.all() if track.phase == LIVE and track.begin is not None]
        for track in living:
            if track.id not in self._based and any(base.is_done for base in await tracks.bases(track)):
                self._based.add(track.id)
        self._based &= {track.id for track in living}
        return {track.id: track for track in living if track.id in self._based}

    def _whole(self, moment: MomentRecord, tracks: dict[str, TrackRecord]) -> MomentRecord:
        """The manifest with its parts."""
        now = self._store.clock.now()
        tables = [_items(each, tracks) for each in sorted(self._looked[Space.CATALOG].tables, key=name_of)
                  if is_there(each, now)]  # fmt: skip
        latest = max((each.through for each in tables if each.track), default=now)
        near = [each for each in tables if each.track and latest - each.through <= BEHIND_SECONDS_MAX]
        return replace(
            moment,
            system=[self._looked[space].part for space in CARRIED],
            tables=tables,
            archived=True,
            cut=min((each.upto for each in near), default=0),
            step=self._store.engine.traits.change_step,
            through=min((each.through for each in near), default=moment.at),
        )

    async def _find(self) -> list[MomentRecord]:
        """The moments of the archive that are there; chunks that none of them names go."""
        found: list[MomentRecord] = []
        for id in await reading.moments(self._bucket):
            try:
                moment = await reading.moment(self._bucket, id)
            except LOST:
                continue
            if moment.archived:
                found.append(moment)
        named = {chunk.name for moment in found for chunk in moment.chunks}
        for name in await names(self._bucket, FOLDER):
            if name not in named:
                await self._bucket.delete(name)
        return found

    async def _drop_old(self, kept: list[MomentRecord]) -> None:
        """First the manifest, then what no other one names. The last one that has all tables stays: a store that came
        back, and is archived anew, may be lost again before its tables were scanned."""
        whole = next((each for each in reversed(kept) if not any(items.missing for items in each.tables)), None)
        for old in [each for each in kept[:-KEPT] if each is not whole]:
            await self._bucket.delete(old.name)
            kept.remove(old)
            named = {chunk.name for moment in kept for chunk in moment.chunks}
            for chunk in old.chunks:
                if chunk.name not in named:
                    self._known = {at: each for at, each in self._known.items() if each.name != chunk.name}
                    await self._bucket.delete(chunk.name)


def _items(record: TableRecord, tracks: dict[str, TrackRecord]) -> ItemsRecord:
    items = ItemsRecord(record.account, record.region, record.name, record.space)
    if record.restore is not None:
        return items
    track = tracks.get(record.track or "")
    if track is None:
        return replace(items, missing="it was not archived yet")
    return replace(items, track=track.id, next=track.next, digest=track.digest, upto=track.upto, through=track.through)


def _content(moment: MomentRecord) -> Sequence[object]:
    """What tells a moment from the one before: not that time went by."""
    return moment.system, [(each.track, each.next, each.missing, each.space) for each in moment.tables]
