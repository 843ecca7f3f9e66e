"""Where the objects of backups and of the archive lie, and how chunks get there and back."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Sequence
from typing import Protocol

from statordb.archive.chunks import DamagedChunk, Gathered, unpacked
from statordb.objects.faults import Damaged, Foreign, NoSuchObject
from statordb.store.archive.records import BaseRecord, TrackRecord
from statordb.store.backups.records import BackupRecord

LOST = (DamagedChunk, Damaged, NoSuchObject, Foreign)  # no later try finds what is wanted
BACKUPS = "backups/"  # what the names of backups' objects begin with
MANIFEST = "manifest"  # what that of the object ends with that tells of a whole one
MANIFESTS = "tracks/"  # what the names of those begin with that tell of tracks
FOLDER_SEGMENTS = 1000
_SLICE_BYTES = 256 << 10  # handed on at a time
_LISTED_AT_ONCE = 1000


class Kept(Protocol):
    """What came of an object that was put. `digest`: SHA-256 of its content."""

    @property
    def digest(self) -> bytes: ...


class Named(Protocol):
    """An object that is listed."""

    @property
    def name(self) -> str: ...


class Bucket(Protocol):
    """What the archive wants of `objects.sealed.SealedBucket`."""

    async def put(self, name: str, chunks: AsyncIterable[bytes]) -> Kept:
        """Whole or not at all, in the place of one of that name; durable when it returns."""
        ...

    def get(self, name: str, digest: bytes | None = None) -> AsyncGenerator[bytes, None]: ...

    async def list(self, prefix: str = "", after: str = "", limit: int = 1000) -> Sequence[Named]: ...

    async def delete(self, name: str) -> None: ...

    async def sweep(self) -> int:
        """Remove what writers left that died."""
        ...


def folder(record: BackupRecord) -> str:
    """Of a backup's objects."""
    return f"{BACKUPS}{record.account}/{record.region}/{record.id}"


def manifest_of(track: TrackRecord) -> str:
    """Of the object that tells of a track, for those who have lost the store."""
    return f"{MANIFESTS}{track.account}/{track.region}/{track.id}"


def segments_folder(track: TrackRecord, number: int) -> str:
    """Where a segment of that number lies, among some others. (Folders of a directory are to stay small.)"""
    return f"{_track_folder(track)}/segments/{number // FOLDER_SEGMENTS:06d}"


def base_folder(track: TrackRecord, base: BaseRecord) -> str:
    return f"{_track_folder(track)}/bases/{base.number:06d}"


def _track_folder(track: TrackRecord) -> str:
    return f"archive/{track.account}/{track.region}/{track.id}"


async def put_chunk(bucket: Bucket, name: str, chunk: Gathered) -> str:
    """Keep a chunk; the digest of its object, as hexadecimal digits. Raises what the bucket does."""
    return await put(bucket, name, await asyncio.to_thread(chunk.packed))


async def put(bucket: Bucket, name: str, content: bytes) -> str:
    """The same of any bytes."""
    kept = await bucket.put(name, _slices(content))
    return kept.digest.hex()


async def get_chunk(bucket: Bucket, name: str, digest: str, form: bytes, size: int) -> bytes:
    """The content of a chunk, all of it found to be what was put. Raises DamagedChunk, and what the bucket does."""
    chunk = await get(bucket, name, digest)
    return await asyncio.to_thread(unpacked, chunk, form, size)


async def get(bucket: Bucket, name: str, digest: str | None = None) -> bytes:
    """All of an object. `digest`: of what it has to be. Raises what the bucket does."""
    return b"".join([each async for each in bucket.get(name, None if digest is None else bytes.fromhex(digest))])


async def names(bucket: Bucket, prefix: str) -> Sequence[str]:
    """The names that begin so, in order."""
    found: list[str] = []
    while True:
        page = await bucket.list(prefix, found[-1] if found else "", _LISTED_AT_ONCE)
        found += [each.name for each in page]
        if len(page) < _LISTED_AT_ONCE:
            return found


async def _slices(content: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(content), _SLICE_BYTES):
        yield content[at : at + _SLICE_BYTES]
