"""The data files of an export: what they have is packed in other threads and goes to S3 as it is made, so that no file
is ever held whole."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeVar

from statordb.archive.history import Net
from statordb.commands.export_filter import ExportFilter
from statordb.exchange.manifests import DataFile
from statordb.exchange.writing import Writer
from statordb.model.daemon_thread import in_daemon_thread
from statordb.model.limits import EXPORT_FILE_BYTES
from statordb.objects.contract import Bucket, Encryption
from statordb.store import codec
from statordb.store.terms import Row

BATCH_BYTES = 256 * 1024  # of JSON that goes to another thread at a time
LEVEL = 4  # of DEFLATE: twice as fast as the usual one, for files that are 4 % larger
_MICROSECONDS = 1000  # a millisecond

T = TypeVar("T")


@dataclass(slots=True)
class Batch(Generic[T]):
    """Items or changes, and the bytes of their JSON."""

    parts: list[T] = field(default_factory=list)
    size: int = 0


Batches = AsyncGenerator[Batch[T], None]


@dataclass(slots=True)
class Billed:
    """Bytes that were read of the table, whatever became of them."""

    size: int = 0


async def of_items(found: AsyncIterator[Sequence[Row]], billed: Billed) -> Batches[bytes]:
    """The items of a full export, as JSON. `billed` by DynamoDB's rules of sizes."""
    batch = Batch[bytes]()
    async for rows in found:
        bodies = [row[2] for row in rows]
        billed.size += sum(codec.sizes(bodies))
        for some in portions(bodies, sum(map(len, bodies))):
            batch.parts += map(codec.text, some)
            batch.size += sum(map(len, some))
            if batch.size >= BATCH_BYTES:
                yield batch
                batch = Batch()
        await asyncio.sleep(0)
    if batch.parts:
        yield batch


async def of_changes(found: AsyncIterator[Sequence[Net]], billed: Billed) -> Batches[Net]:
    """What an incremental export tells. `billed` by the JSON of keys and images."""
    batch = Batch[Net]()
    async for nets in found:
        for some in portions(nets, sum(map(_size_of, nets))):
            size = sum(map(_size_of, some))
            batch.parts += some
            batch.size += size
            billed.size += size
            if batch.size >= BATCH_BYTES:
                yield batch
                batch = Batch()
        await asyncio.sleep(0)
    if batch.parts:
        yield batch


def portions(parts: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The same parts, about BATCH_BYTES at a time. `size`: of all of them."""
    most = max(1, len(parts) * BATCH_BYTES // max(size, 1))
    for at in range(0, len(parts), most):
        yield parts[at : at + most]


def _size_of(net: Net) -> int:
    return len(net.keys) + len(net.old or b"") + len(net.new or b"")


Pack = Callable[[Writer, Sequence[T]], bytes]
"""Writes parts of a batch; the packed bytes that came of it. It takes a while, and lets other threads run."""


def packing_items(wanted: ExportFilter | None) -> Pack[bytes]:
    """Of a full export."""

    def pack(writer: Writer, texts: Sequence[bytes]) -> bytes:
        if wanted is not None:
            texts = [kept for kept in map(wanted.item, texts) if kept is not None]
        return writer.items(texts)

    return pack


def packing_changes(wanted: ExportFilter | None, with_old: bool) -> Pack[Net]:
    """Of an incremental export. `with_old`: whether it has old images."""

    def pack(writer: Writer, nets: Sequence[Net]) -> bytes:
        packed = []
        for keys, old, new, milliseconds in nets:
            if wanted is not None:
                images = wanted.record(new, old)
                if images is None:
                    continue
                new, old = images
            packed.append(writer.record(milliseconds * _MICROSECONDS, keys, new, old if with_old else None))
        return b"".join(packed)

    return pack


class ExportFiles(Generic[T]):
    """Of one run of an export. `name_of`: of a file by its number; `begins`: told how many there are with the next
    one, before it is begun."""

    def __init__(
        self,
        bucket: Bucket,
        export_format: str,
        encryption: Encryption | None,
        name_of: Callable[[int], str],
        begins: Callable[[int], Awaitable[None]],
    ) -> None:
        self._bucket = bucket
        self._format = export_format
        self._encryption = encryption
        self._name_of = name_of
        self._begins = begins
        self._next: Batch[T] | None = None

    async def write(self, batches: Batches[T], pack: Pack[T]) -> Sequence[DataFile]:
        """All of them: at least one. Raises what the batches and the bucket do."""
        files: list[DataFile] = []
        self._next = await anext(batches, None)
        while not files or self._next is not None:
            await self._begins(len(files) + 1)
            name, writer = self._name_of(len(files)), Writer(self._format, level=LEVEL)
            written = await self._bucket.put(name, self._chunks(writer, batches, pack), self._encryption)
            files.append(DataFile(writer.item_count, b64encode(written.md5).decode(), written.etag, name))
        return files

    async def _chunks(self, writer: Writer, batches: Batches[T], pack: Pack[T]) -> AsyncIterator[bytes]:
        """The packed bytes of one file. What comes next is read while other threads pack."""
        size = 0
        while self._next is not None and size < EXPORT_FILE_BYTES:
            batch = self._next
            packing = in_daemon_thread("export", partial(pack, writer, batch.parts))
            size += batch.size
            self._next = await anext(batches, None)
            packed = await packing
            if packed:
                yield packed
        yield await in_daemon_thread("export", writer.end)
