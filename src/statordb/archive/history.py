"""What a track tells: a table's items at any moment of its, and what was written between two of them.

A moment's cut lies just below the first change that was begun later: all that was acknowledged until then had been
written before, and nothing is cut off from what it came from. Where what was acknowledged is known to lie before a
segment, the cut does not lie behind it, whatever the clock was set to. So a moment has one cut, for ever.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from math import ceil, floor
from typing import NamedTuple, Protocol

from statordb.archive.chunks import ROWS_FORM, SEGMENT_FORM, DamagedChunk, entries_of, head_of, rows_of
from statordb.archive.cuts import NEAR_CHANGES, whole
from statordb.archive.objects import LOST, Bucket, base_folder, get_chunk, segments_folder
from statordb.archive.passes import ENTRIES_AT_ONCE, Passes
from statordb.archive.state import placing, stood
from statordb.store import entries
from statordb.store.archive.records import BaseRecord, SegmentRecord, TrackRecord
from statordb.store.backups.records import PartRecord
from statordb.store.terms import Change, Row


class OutOfReach(Exception):
    """A moment, or a sequence, of which the track has not (yet) what is needed; args[0] says why."""


class Source(Protocol):
    """One track, wherever its records are found."""

    @property
    def track(self) -> TrackRecord: ...

    async def bases(self) -> Sequence[BaseRecord]:
        """Those that are done, in order of time."""
        ...

    async def parts(self, base: BaseRecord) -> Sequence[PartRecord]: ...

    async def segment(self, number: int) -> SegmentRecord | None: ...

    def segments(self, first: int) -> AsyncIterator[SegmentRecord]:
        """Those from a number on, in order."""
        ...


class Net(NamedTuple):
    """What came of an item between two cuts: its keys, and itself at the one and at the other, as JSON; None where it
    was not there. `milliseconds`: when it was changed last, since the epoch."""

    keys: bytes
    old: bytes | None
    new: bytes | None
    milliseconds: int


def restorable(track: TrackRecord | None, since: float, now: float) -> tuple[int, int]:
    """The first and the last second that can be had, since the epoch; the last one may be the first, which may be to
    come. `since`: what was before is not to be had. No track: one is about to begin."""
    if track is None:
        return ceil(since), ceil(since)
    earliest = ceil(max(track.began_at, since))
    return earliest, max(earliest, floor(min(track.through, now)))


async def cut_at(bucket: Bucket, source: Source, moment: float, step: int) -> int:
    """The cut of a moment, in seconds since the epoch. `step`: `Traits.change_step` of the engine that wrote it. Raises
    OutOfReach, DamagedChunk, and what the bucket does."""
    track = source.track
    if track.begin is None or moment > track.through:
        raise OutOfReach(f"it is not known yet what was written until {text_of(moment)}")
    cut = max(await _below_later(bucket, source, moment), track.begin)
    if not step:
        return cut
    if cut + step > track.upto:
        raise OutOfReach(f"it is not known yet what was written just behind {text_of(moment)}")
    near: set[int] = set()
    reach = step * NEAR_CHANGES
    async for some in entries_between(bucket, source, cut - reach, min(cut + reach, track.upto)):
        near.update(change.sequence for change in some)
    return whole(near, cut, step)


async def state_at(bucket: Bucket, source: Source, cut: int) -> AsyncIterator[Sequence[Row]]:
    """The items at a cut: some rows at a time, each once, in no order. Raises OutOfReach, what the bucket does, and
    DamagedChunk, which says what of the time is lost."""
    fault: Exception | None = None
    for base in _fitting(await source.bases(), cut):
        begun = False
        try:
            async for rows in _from_base(bucket, source, base, cut):
                begun = True
                yield rows
        except LOST as lost:
            if begun:
                raise
            fault = fault or lost  # what lies between another base and the cut may be whole
        else:
            return
    raise fault or OutOfReach("there is no scan of the table yet")


async def entries_between(bucket: Bucket, source: Source, after: int, upto: int) -> AsyncIterator[Sequence[Change]]:
    """The changes behind a cut and up to another, in order of their sequences, some at a time. Raises OutOfReach,
    DamagedChunk, and what the bucket does."""
    track = source.track
    if upto > track.upto:
        raise OutOfReach("not all of it is there yet")
    number = first = await _first(source, lambda segment: segment.upto > after)
    async for segment in source.segments(first):
        if segment.after >= upto:
            return
        if segment.number != number:
            raise DamagedChunk(f"segment {number} is missing, before {text_of(segment.since)}")
        number += 1
        changes = await _read(bucket, track, segment)
        while some := list(islice(changes, ENTRIES_AT_ONCE)):
            within = [change for change in some if after < change.sequence <= upto]
            if within:
                yield within
            await asyncio.sleep(0)
    if number < track.next:
        raise DamagedChunk(f"segment {number} is missing")


async def compacted(bucket: Bucket, source: Source, after: int, upto: int) -> AsyncIterator[Sequence[Net]]:
    """What came of each item that differs between two cuts: some at a time, each once, in no order. Raises as
    `entries_between`."""
    place_of = placing(source.track.source)
    passes: Passes[Net] = Passes(lambda net: len(net.keys) + len(net.old or b"") + len(net.new or b""))
    while (some := passes.next()) is not None:
        async for changes in entries_between(bucket, source, after, upto):
            for change in changes:
                place = place_of(change.body)
                if some.takes(place):
                    some.put(place, _netted(some.known.get(place), change.body))
            await some.fit()
        told = (net for net in some.known.values() if net.old is not None or net.new is not None)
        while part := list(islice(told, ENTRIES_AT_ONCE)):
            yield part


def text_of(moment: float) -> str:
    """A moment as people write it."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _netted(known: Net | None, body: bytes) -> Net:
    new, old = entries.images(body)
    before = known.old if known is not None else None if old is None else old.text
    return Net(entries.keys(body), before, None if new is None else new.text, entries.milliseconds(body))


def _fitting(bases: Sequence[BaseRecord], cut: int) -> Sequence[BaseRecord]:
    """The bases from which a cut is to be had, the next one first: what lies between has to be read."""
    before = [base for base in bases if base.after <= cut]
    behind = [base for base in bases if base.after > cut]
    return [*before[-1:], *behind[:1], *before[-2:-1]]


async def _from_base(bucket: Bucket, source: Source, base: BaseRecord, cut: int) -> AsyncIterator[Sequence[Row]]:
    low, high = min(base.after, cut), max(base.upto, cut)

    def changes() -> AsyncIterator[Sequence[Change]]:
        return entries_between(bucket, source, low, high)

    async def scanned() -> AsyncIterator[Iterator[Row]]:
        folder = base_folder(source.track, base)
        for part in await source.parts(base):
            yield rows_of(await get_chunk(bucket, f"{folder}/{part.name}", part.digest, ROWS_FORM, part.size))

    async for rows in stood(source.track.source, cut, changes, scanned):
        yield rows


async def _first(source: Source, holds: Callable[[SegmentRecord], bool]) -> int:
    """The number of the first segment of which something holds, that holds of all behind it too; the next number if
    there is none."""
    low, high = source.track.first, source.track.next
    while low < high:
        middle = (low + high) // 2
        segment = await source.segment(middle)
        if segment is None:
            raise DamagedChunk(f"segment {middle} is missing")
        if holds(segment):
            high = middle
        else:
            low = middle + 1
    return low


async def _below_later(bucket: Bucket, source: Source, moment: float) -> int:
    """The highest sequence that is below those of all changes that were begun later than a moment."""
    first = await _first(source, lambda segment: segment.until > moment)
    async for segment in source.segments(first):
        if moment <= segment.since:
            return segment.after
        for looked, change in enumerate(await _read(bucket, source.track, segment)):
            if entries.milliseconds(change.body) > round(moment * 1000):
                return change.sequence - 1
            if looked % ENTRIES_AT_ONCE == 0:
                await asyncio.sleep(0)
        if segment.through >= moment:
            return segment.upto
    return source.track.upto


async def _read(bucket: Bucket, track: TrackRecord, segment: SegmentRecord) -> Iterator[Change]:
    name = f"{segments_folder(track, segment.number)}/{segment.name}"
    try:
        content = await get_chunk(bucket, name, segment.digest, SEGMENT_FORM, segment.size)
    except LOST as fault:
        lost = f"{text_of(segment.since)} to {text_of(segment.through)}"
        raise DamagedChunk(f"what was written from {lost} can't be had: {name}: {fault}") from fault
    return entries_of(head_of(content)[1])
