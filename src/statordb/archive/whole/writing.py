"""Keeping a whole store as it is at one moment: the store's own rows, then the items of its tables.

Whoever calls this sees to it that all is read of one moment, where the engine can give that.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from hashlib import blake2b

from statordb import __version__
from statordb.archive.chunks import ROWS_FORM, Gathered
from statordb.archive.objects import Bucket, put, put_chunk
from statordb.archive.whole.records import MOMENT, ChunkRecord, ItemsRecord, MomentRecord, SystemRecord
from statordb.crypto.sealer import Unsealable
from statordb.engine.contract import Engine
from statordb.model.errors import ClientError
from statordb.model.limits import BACKUP_CHUNK_BYTES_MAX
from statordb.store import formats, records
from statordb.store.keyspace import Space
from statordb.store.records import TableRecord
from statordb.store.sealed.engine import SealedEngine
from statordb.store.sealed.keyring import RING_KEY
from statordb.store.terms import PageBudget, Place, Row, Stop
from statordb.store.whole.system import CARRIED, is_table

_PAGE = PageBudget(rows_max=200, bytes_max=128 << 10)  # read, and opened, in one go
_EVEN_BYTES_MIN = 64 << 10  # of a chunk that ends where its content says so
_EVEN_SHARE = 256  # of so many rows, one may end such a chunk

Told = Callable[[int, int], None]
"""Told of items that were kept, and of their bytes."""
Keep = Callable[[Gathered], Awaitable[ChunkRecord]]
"""Keeps a chunk of the store's own rows."""


def untold(rows: int, size: int) -> None:
    """Nobody wants to know."""


async def begun(engine: SealedEngine, now: float) -> MomentRecord:
    """The manifest of a moment, but for its parts."""
    ring, found = await engine.under.get(RING_KEY), await engine.get(formats.KEY)
    assert ring is not None, "a store that is open has keys"
    id = f"{int(now * 1000):014d}-{secrets.token_hex(4)}"
    number = formats.current() if found is None else int(found.body)
    return MomentRecord(id, now, engine.traits.name, __version__, number, ring.body.decode())


async def write(engine: Engine, bucket: Bucket, moment: MomentRecord, now: float, told: Told = untold) -> MomentRecord:
    """Keep all that an engine has, and tell of it in a manifest. `moment`: but for its parts. Items that can't be read
    are told as missing. Raises Unsealable where one of the store's own rows is damaged, and what the engine and the
    bucket do."""
    tables: list[TableRecord] = []
    kept = 0

    async def keep(chunk: Gathered) -> ChunkRecord:
        nonlocal kept
        kept += 1
        return await _keep(bucket, f"whole/{moment.id}/system-{kept - 1:06d}", chunk, untold)

    for space in CARRIED:
        moment.system.append(await system(engine, space, keep, tables))
    for record in sorted(tables, key=name_of):
        if is_there(record, now):
            moment.tables.append(await _items(engine, bucket, moment, record, told))
    await put_manifest(bucket, moment)
    return moment


async def put_manifest(bucket: Bucket, moment: MomentRecord) -> None:
    """Everything that it names must be there. Raises what the bucket does."""
    await put(bucket, moment.name, MOMENT.dump(moment))


def name_of(record: TableRecord) -> tuple[str, str, str]:
    return record.account, record.region, record.name


def is_there(record: TableRecord, now: float) -> bool:
    """Whether a table goes with its store."""
    return record.status_at(now) not in (None, "DELETING")


async def system(engine: Engine, space: Space, keep: Keep, tables: list[TableRecord]) -> SystemRecord:
    """Have the rows of a space kept. `tables`: gets those that the catalog has."""
    chunk, chunks = Gathered(ROWS_FORM), list[ChunkRecord]()
    async for rows in _pages(engine, space):
        for row in rows:
            if space is Space.CATALOG and is_table(row):
                tables.append(records.load(row.body))
            chunk.add_row(row)
            if chunk.size >= BACKUP_CHUNK_BYTES_MAX or (chunk.size >= _EVEN_BYTES_MIN and _ends(row)):
                chunks.append(await keep(chunk))
                chunk = Gathered(ROWS_FORM)
    if chunk.entries:
        chunks.append(await keep(chunk))
    return SystemRecord(space, chunks)


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
