"""The items of archived tables at the cut of a moment."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from statordb.archive.chunks import DamagedChunk
from statordb.archive.cuts import NEAR_CHANGES, whole
from statordb.archive.found import End, Found, find
from statordb.archive.history import OutOfReach, entries_between, state_at
from statordb.archive.objects import MANIFESTS, Bucket
from statordb.archive.whole.records import ItemsRecord, MomentRecord
from statordb.store.terms import Row


async def found(bucket: Bucket, items: ItemsRecord) -> Found:
    """What the archive has of a table, as far as it had it then. Raises DamagedChunk, and what the bucket does."""
    manifest = f"{MANIFESTS}{items.account}/{items.region}/{items.track}"
    return await find(bucket, manifest, End(items.next, items.digest, items.upto, items.through))


async def cut_of(bucket: Bucket, moment: MomentRecord) -> int:
    """The cut of all tables, below updates that several machines were just writing: no transaction is torn, over tables
    neither. What is lost of a table is left out. Raises what the bucket does."""
    if not moment.step:
        return moment.cut
    reach = moment.step * NEAR_CHANGES
    cut, near = moment.cut - reach, set[int]()
    for items in moment.tables:
        if items.track:
            try:
                source = await found(bucket, items)
                async for some in entries_between(bucket, source, cut - reach, min(cut + reach, source.track.upto)):
                    near.update(change.sequence for change in some)
            except (DamagedChunk, OutOfReach):
                continue
    return whole(near, cut, moment.step)


def reached(source: Found, cut: int) -> tuple[int, str]:
    """How far a table is to be had, and why that is not up to the cut, "" where it is. (One that began to be archived
    later is as it was then.)"""
    track = source.track
    cut = max(cut, track.begin or 0)
    return (cut, "") if track.upto >= cut else (track.upto, source.lost or "its objects end before")


async def items_at(bucket: Bucket, source: Found, cut: int) -> AsyncIterator[Sequence[Row]]:
    """See `history.state_at`. What ends before a base is complete is no base for it."""
    kept = [base for base in await source.bases() if base.upto <= source.track.upto]
    if not kept and await source.bases():
        raise DamagedChunk(source.lost or "there is no whole scan of it")
    async for rows in state_at(bucket, replace(source, _bases=kept), cut):
        yield rows
