"""Which moments of a whole store a place has, and what is in them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from itertools import islice
from typing import Protocol

import orjson

from statordb.archive.chunks import ROWS_FORM, DamagedChunk, rows_of, unpacked
from statordb.archive.objects import BACKUPS, MANIFEST, Bucket
from statordb.archive.whole.records import MOMENT, MOMENTS, ChunkRecord, MomentRecord
from statordb.objects.faults import Damaged, Foreign, NoSuchObject
from statordb.store.backups.records import BACKUP, PART, BackupRecord, PartRecord
from statordb.store.terms import Row

_NAMES_AT_ONCE = 1000
_ROWS_AT_ONCE = 100


class Listed(Protocol):
    @property
    def name(self) -> str: ...


class Archive(Bucket, Protocol):
    """A bucket whose names are told."""

    async def list(self, prefix: str = "", after: str = "", limit: int = _NAMES_AT_ONCE) -> Sequence[Listed]: ...


async def moments(archive: Archive) -> Sequence[str]:
    """The ids of all moments that are whole, in order of time. Raises what the bucket does."""
    found: list[str] = []
    while True:
        after = f"{MOMENTS}{found[-1]}" if found else ""
        page = await archive.list(MOMENTS, after, _NAMES_AT_ONCE)
        found += [entry.name.removeprefix(MOMENTS) for entry in page]
        if len(page) < _NAMES_AT_ONCE:
            return found


async def moment(archive: Archive, id: str) -> MomentRecord:
    """One of them. Raises DamagedChunk, FormatTooNew, and what the bucket does."""
    body = b"".join([each async for each in archive.get(f"{MOMENTS}{id}")])
    try:
        return MOMENT.load(body)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise DamagedChunk(f"the manifest {MOMENTS}{id} is damaged") from None


async def rows_in(archive: Archive, chunk: ChunkRecord) -> AsyncIterator[Sequence[Row]]:
    """The rows of a chunk, some at a time, when all of it was found to be what was put. Raises DamagedChunk, and what
    the bucket does."""
    packed = b"".join([each async for each in archive.get(chunk.name, bytes.fromhex(chunk.digest))])
    try:
        rows = rows_of(await asyncio.to_thread(unpacked, packed, ROWS_FORM, chunk.size))
        while some := list(islice(rows, _ROWS_AT_ONCE)):
            yield some
            await asyncio.sleep(0)
    except DamagedChunk as fault:
        raise DamagedChunk(f"the object {chunk.name} is damaged: {fault}") from None


async def backups_in(objects: Archive) -> AsyncIterator[tuple[BackupRecord, Sequence[PartRecord]]]:
    """The backups whose manifests are in a place, but those that were sealed with keys that are not here, or that are
    damaged. Raises what the bucket does else."""
    after = BACKUPS
    while True:
        page = await objects.list(BACKUPS, after, _NAMES_AT_ONCE)
        for entry in page:
            if entry.name.endswith(f"/{MANIFEST}"):
                try:
                    told = orjson.loads(b"".join([each async for each in objects.get(entry.name)]))
                except (Damaged, Foreign, NoSuchObject):
                    continue
                parts = [PART.load(orjson.dumps(part)) for part in told["parts"]]
                yield BACKUP.load(orjson.dumps(told["backup"])), parts
        if len(page) < _NAMES_AT_ONCE:
            return
        after = page[-1].name
