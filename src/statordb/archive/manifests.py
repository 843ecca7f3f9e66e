"""What tells of a track beside its objects, for those who have lost the store."""

from typing import Any

import orjson

from statordb.archive.objects import Bucket, manifest_of, put
from statordb.store.archive.records import BASE, TRACK, TrackRecord
from statordb.store.archive.tracks import Tracks
from statordb.store.backups.records import PART

FORMAT = 1


async def put_manifest(tracks: Tracks, bucket: Bucket, track: TrackRecord) -> None:
    """Tell of a track as it is. Raises what the bucket does."""
    bases: list[dict[str, Any]] = []
    for base in await tracks.bases(track):
        if base.is_done:
            parts = [orjson.loads(PART.dump(part)) for part in await tracks.parts(track, base)]
            bases.append({**orjson.loads(BASE.dump(base)), "parts": parts})
    told = {"format": FORMAT, "track": orjson.loads(TRACK.dump(track)), "bases": bases}
    await put(bucket, manifest_of(track), orjson.dumps(told))
