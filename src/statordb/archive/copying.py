"""Making a backup: the items of a table as they were at one moment, while it is written to.

A scan reads what changes under it. So the backup is a reader of the table's log before the scan begins, and what the
log tells puts right what was scanned (`state.py`): its moment is a sequence of the log, its `cut`. Where updates check
guards, whoever joins the log does so in one update with the table's record, which all writes go by: all that is logged
came later, and the cut is 0. Elsewhere the cut is a mark that is written behind the joining, once no clock can be
behind; an update's changes may lie on both sides of it there, and the cut is moved below them (`whole`).

All that was done is noted as it is done: who comes after one that died goes on.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial

import orjson

from statordb.archive.chunks import ENTRIES_FORM, Gathered
from statordb.archive.cuts import NEAR_CHANGES, whole
from statordb.archive.objects import MANIFEST, Bucket, folder, put, put_chunk
from statordb.archive.scanning import PAGE, scan
from statordb.model.limits import BACKUP_CHUNK_BYTES_MAX
from statordb.store import contention, readers
from statordb.store.backups.records import (
    BACKUP,
    BASE,
    DONE,
    LEAVING,
    LOG,
    NEW,
    PART,
    SCANNING,
    BackupRecord,
    PartRecord,
)
from statordb.store.barrier import Barrier
from statordb.store.catalog import Rows
from statordb.store.store import Store
from statordb.store.terms import Refused

VIEW = "NEW_AND_OLD_IMAGES"
_LOOK_SECONDS = 0.1  # between two looks at a barrier
_GONE, _THERE = object(), object()  # reasons of refusals: nobody can write any more; it reads the log already


async def begin(store: Store, record: BackupRecord) -> BackupRecord | None:
    """Have a backup read the log of its table, unless nobody can write there any more, where updates check guards: what
    it will have is what there is when this returns, or a little earlier. The record as it is then; None: it is gone."""
    assert store.engine.traits.guards, "else a mark has to be waited for"
    return await _scanning(store, record, await _join(store, record), 0)


async def copy(store: Store, bucket: Bucket, record: BackupRecord) -> AsyncIterator[None]:
    """Do all that is left of a backup; gives back between small pieces. Raises what the store and the bucket do."""
    begun: BackupRecord | None = record
    if record.phase == NEW:
        log, cut = await _join(store, record), 0
        yield
        if log is not None and not store.engine.traits.guards:
            mark = Barrier(store.engine, log)
            async for _ in _passing(store, mark):
                yield
            cut = mark.sequence
        begun = await _scanning(store, record, log, cut)
    if begun is not None and begun.phase == SCANNING:
        async for _ in _scan(store, bucket, begun):
            yield
        drained = _Cut(begun.cut)
        async for _ in _drain(store, bucket, begun, drained):
            yield
        begun = await store.backups.change(begun, partial(replace, phase=LEAVING, cut=drained.cut))
    if begun is not None:
        await leave(store, begun)
        yield
        await _seal_off(store, bucket, begun)


async def leave(store: Store, record: BackupRecord) -> None:
    """Read the log no more."""
    if record.log is None:
        return
    now, name = store.clock.now(), _name(record)

    def decide(rows: Rows) -> Rows | Refused:
        if rows.table is None or rows.log is None or rows.log.space != record.log:
            return Refused(_GONE)
        if record.reader not in rows.log.views:
            return Refused(_GONE)
        return readers.leave(rows, record.reader, now, store.stream_shards)

    table = await store.catalog.reload(*name)
    if table is not None:
        await readers.change(store, name, table.record, decide)


async def _join(store: Store, record: BackupRecord) -> int | None:
    """The space of the log; None where nothing is written any more."""
    now, name, space = store.clock.now(), _name(record), record.source.space

    def decide(rows: Rows) -> Rows | Refused:
        if rows.table is None or rows.table.space != space or rows.table.status == "DELETING":
            return Refused(_GONE)
        assert rows.log is not None
        if record.reader in rows.log.views:
            return Refused(_THERE)
        return readers.roll(rows, {**rows.log.views, record.reader: VIEW}, now, store.stream_shards)

    while True:
        table = await store.catalog.reload(*name)
        if table is None or table.record.space != space or table.record.status == "DELETING":
            await contention.announce(store.engine)  # who deleted it may have died before all had heard of it
            return None
        joined = await readers.change(store, name, table.record, decide, joins=True)
        if not isinstance(joined, Refused):
            assert joined.log is not None, "it has a reader"
            return joined.log.space
        if joined.reason is _THERE and table.record.log is not None:
            return table.record.log.space


async def _scanning(store: Store, record: BackupRecord, log: int | None, cut: int) -> BackupRecord | None:
    return await store.backups.change(record, partial(replace, phase=SCANNING, log=log, cut=cut))


async def _passing(store: Store, barrier: Barrier) -> AsyncIterator[None]:
    """Ends when a barrier is passed."""
    while not await barrier.is_passed(store.clock.now()):
        await asyncio.sleep(_LOOK_SECONDS)
        yield


async def _scan(store: Store, bucket: Bucket, record: BackupRecord) -> AsyncIterator[None]:
    """Keep the rows behind the last part."""
    parts = [part for part in await store.backups.parts(record) if part.kind == BASE]
    note = partial(store.backups.add_part, record)
    async for _ in scan(store, bucket, record.source.space, folder(record), parts, note):
        yield


@dataclass(slots=True)
class _Cut:
    """The cut of a backup, which is moved when all changes near are known."""

    cut: int


async def _drain(store: Store, bucket: Bucket, record: BackupRecord, drained: _Cut) -> AsyncIterator[None]:
    """Keep what the log has of the time until the scan has ended."""
    if record.log is None:
        return
    async for _ in _passing(store, Barrier(store.engine, record.log)):
        yield
    for part in await store.backups.parts(record):  # of one that did not come to its end
        if part.kind == LOG:
            await store.backups.drop_part(record, part)
    chunk, number = Gathered(ENTRIES_FORM), 0
    near: set[int] = set()
    reach = store.engine.traits.change_step * NEAR_CHANGES
    log = await store.logs.find(*_name(record), record.log)
    for shard in () if log is None else log.shards_of(record.reader):
        after, end = 0, await store.engine.log_end(record.log, shard.id.encode())
        while after < end and (page := await store.engine.log(record.log, shard.id.encode(), after, PAGE)):
            for change in page:
                chunk.add_entry(change)
                if abs(change.sequence - record.cut) <= reach:
                    near.add(change.sequence)
            after = page[-1].sequence
            if chunk.size >= BACKUP_CHUNK_BYTES_MAX:
                await _keep(store, bucket, record, number, chunk)
                chunk, number = Gathered(ENTRIES_FORM), number + 1
            yield
    if chunk.entries:
        await _keep(store, bucket, record, number, chunk)
    drained.cut = whole(near, record.cut, store.engine.traits.change_step)


async def _keep(store: Store, bucket: Bucket, record: BackupRecord, number: int, chunk: Gathered) -> None:
    """Keep entries of the log, then note that they are there."""
    part = PartRecord(LOG, number, "", chunk.size, chunk.entries)
    digest = await put_chunk(bucket, f"{folder(record)}/{part.name}", chunk)
    await store.backups.add_part(record, replace(part, digest=digest))


async def _seal_off(store: Store, bucket: Bucket, record: BackupRecord) -> None:
    """Tell what belongs to a backup beside it, for those who have lost the store; then it is whole."""
    done = replace(record, phase=DONE)
    parts = await store.backups.parts(record)
    told = {"backup": orjson.loads(BACKUP.dump(done)), "parts": [orjson.loads(PART.dump(part)) for part in parts]}
    await put(bucket, f"{folder(record)}/{MANIFEST}", orjson.dumps(told))
    await store.backups.change(record, partial(replace, phase=DONE))


def _name(record: BackupRecord) -> tuple[str, str, str]:
    return record.account, record.region, record.table["name"]
