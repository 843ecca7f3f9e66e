"""What a table's log has goes into segments: objects of all its changes between two sequences, in their order.

Up to where logs can be read is told by a mark, which is an entry of a log of its own: once it can be read, so can all
entries of all logs up to its sequence, whoever appended them. What was acknowledged before the mark was begun lies at
or below it, and nothing that lies there was begun after it could be read. Where several machines write, that holds but
for what their clocks may differ by.
"""

import asyncio
import secrets
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

from statordb.archive.chunks import SEGMENT_FORM, Gathered
from statordb.archive.cuts import NEAR_CHANGES
from statordb.archive.objects import Bucket, put_chunk, segments_folder
from statordb.archive.scanning import PAGE
from statordb.model.limits import BACKUP_CHUNK_BYTES_MAX
from statordb.store import contention
from statordb.store.archive.records import SegmentRecord, TrackRecord
from statordb.store.barrier import SKEW_SECONDS
from statordb.store.keyspace import Space
from statordb.store.store import Store
from statordb.store.terms import Change, Effects, PageBudget

_MARKS = b"marks"
_MARKS_PAGE = PageBudget(rows_max=100, bytes_max=1 << 16)
_LOOK_SECONDS = 0.1  # between two looks for a mark


class Mark(NamedTuple):
    """`sequence`: all entries of all logs up to it can be read. `through`: all that was acknowledged until then is at
    or below it; `until`: nothing there was begun later. Seconds since the epoch."""

    sequence: int
    through: float
    until: float


async def mark(store: Store) -> Mark:
    """A new one. It takes as long as the slowest process needs to write what it owes to logs."""
    engine, begun = store.engine, store.clock.now()
    skew = 0.0 if engine.traits.guards else SKEW_SECONDS
    body = uuid.uuid4().bytes
    effects = Effects(changes=((Space.ARCHIVE, _MARKS, body),))
    await contention.update(engine, (), lambda stored: effects)
    while True:
        after = 0
        while page := await engine.log(Space.ARCHIVE, _MARKS, after, _MARKS_PAGE):
            after = page[-1].sequence
            for sequence, found in page:
                if found == body:
                    await engine.trim(Space.ARCHIVE, _MARKS, sequence, _MARKS_PAGE.rows_max)
                    return Mark(sequence, begun - skew, store.clock.now() + skew)
        await asyncio.sleep(_LOOK_SECONDS)


def is_heard(store: Store, track: TrackRecord, now: float) -> bool:
    """Whether a mark that is begun now comes behind all that was written by a record of before the track."""
    return store.engine.traits.guards or now - track.joined_at >= SKEW_SECONDS


async def ship(store: Store, bucket: Bucket, track: TrackRecord, mark: Mark) -> TrackRecord | None:
    """Have all changes of a table up to a mark lie in segments; the track as it is then. None: it is another's, or
    gone. Raises what the store and the bucket do."""
    if track.begin is None:  # whatever came before is no part of it
        reach = NEAR_CHANGES * store.engine.traits.change_step
        return await store.tracks.change(track, partial(_begun, mark=mark, reach=reach))
    log = await store.logs.find(*track.name, track.log)
    shards = [
        (shard.space or track.log, shard.id.encode())
        for shard in (() if log is None else log.shards_of(track.reader))
        if shard.ending is None or shard.ending > track.upto
    ]
    chunk, reached = Gathered(SEGMENT_FORM), track
    async for some in _changes(store, shards, track.upto, mark.sequence):
        for change in some:
            chunk.add_entry(change)
            if chunk.size >= BACKUP_CHUNK_BYTES_MAX:
                kept = await _keep(store, bucket, reached, chunk, mark, change.sequence)
                if kept is None:
                    return None
                chunk, reached = Gathered(SEGMENT_FORM), kept
    if chunk.entries:
        return await _keep(store, bucket, reached, chunk, mark, mark.sequence)
    return await store.tracks.change(reached, lambda now: _reached(now, mark))


def _begun(track: TrackRecord, mark: Mark, reach: int) -> TrackRecord:
    """A cut there may have to be moved by `reach`, below an update's changes. Moments count from when nothing is known
    to have been begun that lies before."""
    known = replace(track, begin=mark.sequence, upto=mark.sequence - reach)
    return replace(known, began_at=mark.until, through=mark.through, until=mark.until)


def _reached(track: TrackRecord, mark: Mark) -> TrackRecord:
    through = max(track.through, mark.through)
    return replace(
        track, upto=max(track.upto, mark.sequence), through=through, until=max(track.until, mark.until, through)
    )


async def _keep(
    store: Store, bucket: Bucket, track: TrackRecord, chunk: Gathered, mark: Mark, upto: int
) -> TrackRecord | None:
    """Keep a segment, then note that it is there."""
    through = max(track.through, mark.through if upto == mark.sequence else 0.0)
    head: dict[str, Any] = {
        "number": track.next,
        "after": track.upto,
        "upto": upto,
        "since": track.through,
        "through": through,
        "until": max(mark.until, track.until, through),
    }
    headed = chunk.with_head({**head, "previous": track.digest})
    name = f"{track.next:012d}-{secrets.token_hex(4)}"
    digest = await put_chunk(bucket, f"{segments_folder(track, track.next)}/{name}", headed)
    record = SegmentRecord(**head, name=name, digest=digest, size=headed.size, entries=headed.entries)
    return await store.tracks.add_segment(track, record)


@dataclass(slots=True)
class _Shard:
    """What was read of a shard, and not yet taken. `behind`: where reading goes on; None: no more is to be read."""

    space: int
    id: bytes
    behind: int | None
    read: list[Change] = field(default_factory=list)


async def _changes(
    store: Store, shards: Sequence[tuple[int, bytes]], after: int, upto: int
) -> AsyncIterator[Sequence[Change]]:
    """The changes of some shards behind one sequence and up to another, in order, some at a time."""
    reading = [_Shard(space, id, after) for space, id in shards]
    while True:
        for shard in reading:
            if shard.behind is not None and not shard.read:
                await _read_on(store, shard, upto)
        ends = [shard.read[-1].sequence for shard in reading if shard.behind is not None]
        end = min(ends, default=upto)
        taken: list[Change] = []
        for shard in reading:
            count = len(shard.read) if not shard.read or shard.read[-1].sequence <= end else _count(shard.read, end)
            taken += shard.read[:count]
            del shard.read[:count]
        if not taken:
            return
        taken.sort(key=lambda change: change.sequence)
        yield taken


async def _read_on(store: Store, shard: _Shard, upto: int) -> None:
    assert shard.behind is not None
    page = await store.engine.log(shard.space, shard.id, shard.behind, PAGE)
    await asyncio.sleep(0)
    shard.read = [change for change in page if change.sequence <= upto]
    shard.behind = shard.read[-1].sequence if shard.read and len(shard.read) == len(page) else None


def _count(changes: Sequence[Change], end: int) -> int:
    """How many of them are at or below a sequence."""
    return sum(1 for change in changes if change.sequence <= end)
