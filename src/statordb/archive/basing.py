"""Bases of a track: scans of its table, so that what has to be read for a moment is not all that ever was written."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import partial

from statordb.archive.objects import Bucket, base_folder
from statordb.archive.scanning import scan
from statordb.store.archive.records import BaseRecord, TrackRecord
from statordb.store.archive.tracks import DAY_SECONDS
from statordb.store.store import Store

LOGGED_BYTES_MIN = 256 << 20  # of changes, after which another base is due before a day is over
_REST_SECONDS = 0.001  # between two pages: others use the store, and perhaps this event loop


def is_due(track: TrackRecord, bases: Sequence[BaseRecord], now: float) -> bool:
    """Whether a base is to be made, or gone on with."""
    if track.begin is None:
        return False
    if not bases:
        return True
    last = bases[-1]
    if not last.is_done:
        return not last.scanned_at
    return track.logged > 0 and (now - last.at >= DAY_SECONDS or track.logged >= max(LOGGED_BYTES_MIN, last.size))


async def scan_base(store: Store, bucket: Bucket, track: TrackRecord) -> AsyncIterator[None]:
    """Scan the table for a base; gives back between small pieces. Whoever ships its changes on knows when it is done
    (`finished`). Raises what the store and the bucket do."""
    tracks = store.tracks
    bases = await tracks.bases(track)
    base = bases[-1] if bases and not bases[-1].is_done else None
    if base is None:
        base = BaseRecord(track.bases, after=track.upto, segment=track.next, at=track.through)
        await tracks.begin_base(track, base)
    parts = await tracks.parts(track, base)
    note = partial(tracks.add_part, track, base)
    async for _ in scan(store, bucket, track.space, base_folder(track, base), parts, note, once=True):
        await asyncio.sleep(_REST_SECONDS)
        yield
    parts = await tracks.parts(track, base)
    size, rows = sum(part.size for part in parts), sum(part.entries for part in parts)
    await tracks.keep_base(track, replace(base, scanned_at=store.clock.now(), size=size, rows=rows))


def finished(base: BaseRecord, upto: int) -> BaseRecord:
    """A base whose table was shipped up to a mark that was begun when it had been scanned, and clocks could not be
    behind."""
    return replace(base, upto=upto)
