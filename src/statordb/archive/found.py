"""A track by its objects alone, for those who have lost the store.

Its manifest tells of its bases, and of the segments that there were then; later ones are found by their names. Each
names the digest of the one before, so what belongs together is told from what writers left that died.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import orjson

from statordb.archive.chunks import SEGMENT_FORM, DamagedChunk, head_of, unpacked_up_to
from statordb.archive.objects import FOLDER_SEGMENTS, LOST, Bucket, get, names, segments_folder
from statordb.model.limits import BACKUP_CHUNK_BYTES_MAX
from statordb.store.archive.records import BASE, TRACK, BaseRecord, SegmentRecord, TrackRecord
from statordb.store.backups.records import PART, PartRecord

_SEGMENT_BYTES_MAX = 2 * BACKUP_CHUNK_BYTES_MAX  # it ends behind the entry that makes it as large as a chunk


class End(NamedTuple):
    """What is known of a track's end from elsewhere: the number that the next segment will have, the digest of the last
    one, up to which sequence all is in segments, and the time of that."""

    next: int
    digest: str
    upto: int
    through: float


class _Candidate(NamedTuple):
    record: SegmentRecord
    previous: str


@dataclass(slots=True)
class Found:
    """A `Source`. `lost`: why it has a gap, or "": behind `track.upto` nothing can be had then."""

    track: TrackRecord
    lost: str
    _bases: Sequence[BaseRecord]
    _parts: dict[int, Sequence[PartRecord]]
    _segments: dict[int, SegmentRecord]

    async def bases(self) -> Sequence[BaseRecord]:
        return self._bases

    async def parts(self, base: BaseRecord) -> Sequence[PartRecord]:
        return self._parts[base.number]

    async def segment(self, number: int) -> SegmentRecord | None:
        return self._segments.get(number)

    async def segments(self, first: int) -> AsyncIterator[SegmentRecord]:
        number = first
        while number in self._segments:
            yield self._segments[number]
            number += 1


async def find(bucket: Bucket, manifest: str, end: End | None = None) -> Found:
    """The track of a manifest, from its latest base on. Each segment is read. Raises DamagedChunk, and what the bucket
    does; damaged segments are a gap."""
    track, bases, parts = _told(manifest, await get(bucket, manifest))
    first = bases[-1].segment if bases else track.first
    kept = [base for base in bases if base.segment >= first]
    found, faults = await _candidates(bucket, track, first, None if end is None else end.next)
    segments = _chained(found, None if end is None else end.digest)
    number = first
    while number in segments:
        number += 1
    behind = max(found.keys() | faults.keys(), default=first - 1) + 1 if end is None else end.next
    last = segments.get(number - 1)
    lost = ""
    if number < behind:
        since = track.began_at if last is None else last.through
        lost = f"segment {number} of {track.name[2]} is {faults.get(number, 'missing')} (written from {since:.3f} on)"
    track = replace(track, first=first, next=number)
    if last is not None:
        track = replace(track, digest=last.digest, upto=last.upto, through=last.through, until=last.until)
    if end is not None and not lost:
        track = replace(track, upto=max(track.upto, end.upto), through=max(track.through, end.through))
    return Found(track, lost, kept, parts, {at: segments[at] for at in range(first, number)})


def _told(manifest: str, text: bytes) -> tuple[TrackRecord, list[BaseRecord], dict[int, Sequence[PartRecord]]]:
    try:
        told = orjson.loads(text)
        track = TRACK.load(orjson.dumps(told["track"]))
        parts, bases = dict[int, Sequence[PartRecord]](), list[BaseRecord]()
        for each in told["bases"]:
            of_base = [PART.load(orjson.dumps(part)) for part in each.pop("parts")]
            base = BASE.load(orjson.dumps(each))
            bases.append(base)
            parts[base.number] = of_base
    except (ValueError, TypeError, KeyError, AttributeError):
        raise DamagedChunk(f"the manifest {manifest} is damaged") from None
    return track, bases, parts


async def _candidates(
    bucket: Bucket, track: TrackRecord, first: int, behind: int | None
) -> tuple[dict[int, list[_Candidate]], dict[int, str]]:
    """The segments from a number on, below another, as their objects tell of them; and what is wrong with those that
    can't be read."""
    found, faults = dict[int, list[_Candidate]](), dict[int, str]()
    at = first
    while listed := await names(bucket, f"{segments_folder(track, at)}/"):
        for name in listed:
            number = int(name.rpartition("/")[2].partition("-")[0])
            if number < first or (behind is not None and number >= behind):
                continue
            try:
                found.setdefault(number, []).append(_candidate(name, await get(bucket, name)))
            except LOST as fault:
                faults[number] = f"damaged ({fault})"
        at = (at // FOLDER_SEGMENTS + 1) * FOLDER_SEGMENTS
        if behind is not None and at >= behind:
            break
    return found, faults


def _candidate(name: str, packed: bytes) -> _Candidate:
    content = unpacked_up_to(packed, SEGMENT_FORM, _SEGMENT_BYTES_MAX)
    head, _ = head_of(content)
    try:
        previous = str(head.pop("previous"))
        digest = hashlib.sha256(packed).hexdigest()
        short = name.rpartition("/")[2]
        return _Candidate(SegmentRecord(**head, name=short, digest=digest, size=len(content), entries=0), previous)
    except (TypeError, KeyError):
        raise DamagedChunk(f"{name} has no head that this release knows") from None


def _chained(found: dict[int, list[_Candidate]], digest: str | None) -> dict[int, SegmentRecord]:
    """One of each number: the one that the next one names. `digest`: of the last one; None: it is the one that reaches
    furthest."""
    chained: dict[int, SegmentRecord] = {}
    for number in sorted(found, reverse=True):
        wanted = digest
        fitting = [each for each in found[number] if wanted is None or each.record.digest == wanted]
        if not fitting:
            digest = None  # whoever names it is missing, too
            continue
        chosen = max(fitting, key=lambda each: each.record.upto)
        chained[number], digest = chosen.record, chosen.previous
        if number - 1 not in found:
            digest = None
    return chained
