"""A track by the store's own records."""

from collections.abc import AsyncIterator, Sequence

from statordb.store.archive.records import BaseRecord, SegmentRecord, TrackRecord
from statordb.store.archive.tracks import Tracks
from statordb.store.backups.records import PartRecord


class Stored:
    """A `Source`. `track`: its record, as it was when it was read."""

    def __init__(self, tracks: Tracks, track: TrackRecord) -> None:
        self.track = track
        self._tracks = tracks

    async def bases(self) -> Sequence[BaseRecord]:
        return [base for base in await self._tracks.bases(self.track) if base.is_done]

    async def parts(self, base: BaseRecord) -> Sequence[PartRecord]:
        return await self._tracks.parts(self.track, base)

    async def segment(self, number: int) -> SegmentRecord | None:
        return await self._tracks.segment(self.track, number)

    def segments(self, first: int) -> AsyncIterator[SegmentRecord]:
        return self._tracks.segments(self.track, first)
