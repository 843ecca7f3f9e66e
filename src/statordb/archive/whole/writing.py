"""Keeping a whole store as it is at one moment: the store's own rows, then the items of its tables.

Whoever calls this sees to it that all is read of one moment, where the engine can give that.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from hashlib import blake2b

from statordb.archive.chunks import ROWS_FORM, Gathered
from statordb.archive.objects import Bucket, put, put_chunk
from statordb.archive.whole.records import MOMENT, ChunkRecord, ItemsRecord, MomentRecord, SystemRecord
from statordb.crypto.sealer import Unsealable
from statordb.engine.contract import Engine
from statordb.model.errors import ClientError
from statordb.model.limits import BACKUP_CHUNK_BYTES_MAX
from statordb.store import records
from statordb.store.keyspace import Space
from statordb.store.records import TableRecord
from statordb.store.terms import PageBudget, Place, Row, Stop
from statordb.store.whole.system import CARRIED, is_table

_PAGE = PageBudget(rows_max=200, bytes_max=128 << 10)  # read, and opened, in one go
_EVEN_BYTES_MIN = 64 << 10  # of a chunk that ends where its content says so
_EVEN_SHARE = 256  # of so many rows, one may end such a chunk

Told = Callable[[int, int], None]
"""Told of rows that were kept, and of their bytes."""


async def write(
    engine: Engine, bucket: Bucket, moment: MomentRecord, now: float, told: Told = lambda rows, size: None
) -> MomentRecord:
    """Keep all that an engine has, and tell of it in a manifest. `moment`: but for its parts. Items that can't be read
    are told as missing. Raises Unsealable where one of the store's own rows is damaged, and what the engine and the
    bucket do."""
    tables: list[TableRecord] = []
    for space in CARRIED:
        chunks = [chunk async for chunk in _system(engine, bucket, moment, space, tables, told)]
        moment.system.append(SystemRecord(space, chunks))
    for record in sorted(tables, key=lambda each: (each.account, each.region, each.name)):
        if record.status_at(now) not in (None, "DELETING"):
            moment.tables.append(await _items(engine, bucket, moment, record, told))
    await put(bucket, moment.name, MOMENT.dump(moment))
    return moment


async def _system(
    engine: Engine, bucket: Bucket, moment: MomentRecord, space: Space, tables: list[TableRecord], told: Told
) -> AsyncIterator[ChunkRecord]:
    """Keep the rows of a space. `tables`: gets those that the catalog has."""
    chunk, number = Gathered(ROWS_FORM), sum(len(part.chunks) for part in moment.system)
    async for rows in _pages(engine, space):
        for row in rows:
            if space is Space.CATALOG and is_table(row):
                tables.append(records.load(row.body))
            chunk.add_row(row)
            if chunk.size >= BACKUP_CHUNK_BYTES_MAX or (chunk.size >= _EVEN_BYTES_MIN and _ends(row)):
                yield await _keep(bucket, f"whole/{moment.id}/system-{number:06d}", chunk, told)
                chunk, number = Gathered(ROWS_FORM), number + 1
    if chunk.entries:
        yield await _keep(bucket, f"whole/{moment.id}/system-{number:06d}", chunk, told)


def _ends(row: Row) -> bool:
    """Whether a chunk may end behind a row, by its place alone: a row that comes or goes changes one chunk then."""
    digest = blake2b(row.partition + row.sort, digest_size=2).digest()
    return int.from_bytes(digest, "big") % _EVEN_SHARE == 0


async def _items(engine: Engine, bucket: Bucket, moment: MomentRecord, record: TableRecord, told: Told) -> ItemsRecord:
    items = ItemsRecord(record.account, record.region, record.name, record.space)
    if record.restore is not None:  # from a backup, and so it is again
        return items
    name = f"whole/{moment.id}/table-{len(moment.tables):06d}"
    chunk = Gathered(ROWS_FORM)
    try:
        async for rows in _pages(engine, record.space):
            for row in rows:
                chunk.add_row(row)
            if chunk.size >= BACKUP_CHUNK_BYTES_MAX:
                items.chunks.append(await _keep(bucket, f"{name}-{len(items.chunks):06d}", chunk, told))
                chunk = Gathered(ROWS_FORM)
    except ClientError as fault:  # the key of KMS that it is encrypted with can't be used
        return replace(items, chunks=[], missing=str(fault.message))
    except Unsealable as fault:
        return replace(items, chunks=[], missing=f"an item is damaged ({fault})")
    if chunk.entries:
        items.chunks.append(await _keep(bucket, f"{name}-{len(items.chunks):06d}", chunk, told))
    return items


async def _pages(engine: Engine, space: int) -> AsyncIterator[list[Row]]:
    """All rows of a space, in hash order."""
    after: Place | None = None
    while True:
        page = await engine.scan(space, 0, 1, _PAGE, after)
        yield page.rows
        if page.stop is Stop.EXHAUSTED:
            return
        after = page.last
        await asyncio.sleep(0)


async def _keep(bucket: Bucket, name: str, chunk: Gathered, told: Told) -> ChunkRecord:
    digest = await put_chunk(bucket, name, chunk)
    told(chunk.entries, chunk.size)
    return ChunkRecord(name, digest, chunk.size, chunk.entries)
