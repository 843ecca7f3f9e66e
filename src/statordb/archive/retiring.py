"""What nobody can ask for any more of the archive goes: first its objects, then what tells of them."""

import asyncio
from collections.abc import AsyncIterator

from statordb.archive.objects import FOLDER_SEGMENTS, Bucket, base_folder, manifest_of, names, segments_folder
from statordb.store.archive.records import BaseRecord, TrackRecord
from statordb.store.archive.tracks import Tracks


async def retire(tracks: Tracks, bucket: Bucket, track: TrackRecord, since: float) -> AsyncIterator[None]:
    """Remove what is only needed for moments before `since`, in seconds since the epoch; gives back between small
    pieces. Raises what the bucket does."""
    bases = await tracks.bases(track)
    before = [base for base in bases if base.is_done and base.at <= since]
    if not before:
        return
    kept = before[-1]
    async for _ in _drop_segments(tracks, bucket, track, kept.segment):
        yield
    for base in bases:
        if base.number < kept.number:
            async for _ in _drop_base(tracks, bucket, track, base):
                yield


async def remove(tracks: Tracks, bucket: Bucket, track: TrackRecord) -> AsyncIterator[None]:
    """Remove all of a track."""
    await bucket.delete(manifest_of(track))
    async for _ in _drop_segments(tracks, bucket, track, track.next + 1):
        yield
    for base in await tracks.bases(track):
        async for _ in _drop_base(tracks, bucket, track, base):
            yield
    await tracks.forget(track)


async def _drop_segments(tracks: Tracks, bucket: Bucket, track: TrackRecord, below: int) -> AsyncIterator[None]:
    """Those with lower numbers, with what was left of tries to keep one."""
    first = track.first
    while first < below:
        behind = min(below, (first // FOLDER_SEGMENTS + 1) * FOLDER_SEGMENTS)
        folder = segments_folder(track, first)
        for name in await names(bucket, f"{folder}/"):
            if int(name.rpartition("/")[2].partition("-")[0]) < behind:
                await bucket.delete(name)
                yield
        await tracks.drop_segments(track, range(first, min(behind, track.next)))
        first = behind
        await asyncio.sleep(0)


async def _drop_base(tracks: Tracks, bucket: Bucket, track: TrackRecord, base: BaseRecord) -> AsyncIterator[None]:
    for name in await names(bucket, f"{base_folder(track, base)}/"):
        await bucket.delete(name)
        yield
    await tracks.drop_base(track, base, await tracks.parts(track, base))
