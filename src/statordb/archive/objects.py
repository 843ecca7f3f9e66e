"""Where the objects of backups lie, and how chunks get there and back."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from typing import Protocol

from statordb.archive.chunks import DamagedChunk, Gathered, unpacked
from statordb.objects.faults import Damaged, Foreign, NoSuchObject
from statordb.store.backups.records import BackupRecord, PartRecord

LOST = (DamagedChunk, Damaged, NoSuchObject, Foreign)  # no later try finds what is wanted
BACKUPS = "backups/"  # what the names of backups' objects begin with
MANIFEST = "manifest"  # what that of the object ends with that tells of a whole one
_SLICE_BYTES = 256 << 10  # handed on at a time


class Kept(Protocol):
    """What came of an object that was put. `digest`: SHA-256 of its content."""

    @property
    def digest(self) -> bytes: ...


class Bucket(Protocol):
    """What the archive wants of `objects.sealed.SealedBucket`."""

    async def put(self, name: str, chunks: AsyncIterable[bytes]) -> Kept:
        """Whole or not at all, in the place of one of that name; durable when it returns."""
        ...

    def get(self, name: str, digest: bytes | None = None) -> AsyncGenerator[bytes, None]: ...

    async def delete(self, name: str) -> None: ...

    async def sweep(self) -> int:
        """Remove what writers left that died."""
        ...


def folder(record: BackupRecord) -> str:
    """Of a backup's objects."""
    return f"{BACKUPS}{record.account}/{record.region}/{record.id}"


async def put_chunk(bucket: Bucket, name: str, chunk: Gathered) -> str:
    """Keep a chunk; the digest of its object, as hexadecimal digits. Raises what the bucket does."""
    return await put(bucket, name, await asyncio.to_thread(chunk.packed))


async def put(bucket: Bucket, name: str, content: bytes) -> str:
    """The same of any bytes."""
    kept = await bucket.put(name, _slices(content))
    return kept.digest.hex()


async def get_chunk(bucket: Bucket, record: BackupRecord, part: PartRecord, form: bytes) -> bytes:
    """The content of a part's chunk, all of it found to be what was put. Raises DamagedChunk, and what the bucket
    does."""
    name = f"{folder(record)}/{part.name}"
    chunk = b"".join([each async for each in bucket.get(name, bytes.fromhex(part.digest))])
    return await asyncio.to_thread(unpacked, chunk, form, part.size)


async def _slices(content: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(content), _SLICE_BYTES):
        yield content[at : at + _SLICE_BYTES]
