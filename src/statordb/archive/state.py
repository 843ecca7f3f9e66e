"""The items of a table as they were at the cut of a backup.

Of an item that the log beside the scan tells of, the last entry up to the cut says how it stood; where all of them come
behind it, the first one says how it was before. Any other item stands as the scan found it. What the log tells is held
in memory, for a part of the items at a time where that is much; each such pass reads all parts.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from itertools import islice

import orjson

from statordb.archive.chunks import ENTRIES_FORM, ROWS_FORM, entries_of, rows_of
from statordb.archive.objects import Bucket, get_chunk
from statordb.model.limits import BACKUP_OVERLAY_BYTES_MAX
from statordb.model.schema import KeySchema
from statordb.store import entries
from statordb.store.access import PrimaryPath
from statordb.store.appending import partition_hash
from statordb.store.backups.records import BASE, LOG, BackupRecord, PartRecord
from statordb.store.terms import Change, Place, Row

_ENTRIES_AT_ONCE = 200  # looked at before others have their turn
_ROWS_AT_ONCE = 100

Known = tuple[int, bytes | None]
"""The sequence of the change that tells how an item stood, and its body then."""


async def state(bucket: Bucket, record: BackupRecord, parts: Sequence[PartRecord]) -> AsyncIterator[Sequence[Row]]:
    """Some rows at a time, each once, in no order. Raises DamagedChunk, and what the bucket does."""
    logged = [part for part in parts if part.kind == LOG]
    passes = 1 + sum(part.size for part in logged) // BACKUP_OVERLAY_BYTES_MAX
    place_of = _placing(record)
    for number in range(passes):

        def mine(partition: bytes, number: int = number) -> bool:
            return passes == 1 or partition_hash(partition) % passes == number

        overlay: dict[Place, Known] = {}
        for part in logged:
            found = entries_of(await get_chunk(bucket, record, part, ENTRIES_FORM))
            while some := list(islice(found, _ENTRIES_AT_ONCE)):
                _lay_over(overlay, some, record.cut, place_of, mine)
                await asyncio.sleep(0)
        for part in parts:
            if part.kind == BASE:
                scanned = rows_of(await get_chunk(bucket, record, part, ROWS_FORM))
                stand = (row for row in scanned if mine(row[0]) and (row[0], row[1]) not in overlay)
                while rows := list(islice(stand, _ROWS_AT_ONCE)):
                    yield rows
        told = _told(overlay)
        while rows := list(islice(told, _ROWS_AT_ONCE)):
            yield rows


def _placing(record: BackupRecord) -> Callable[[bytes], Place]:
    """What tells the place of an item by the keys in an entry."""
    source = record.source
    path = PrimaryPath(source.space, KeySchema.parse(source.key_schema, source.definitions))

    def place_of(body: bytes) -> Place:
        keys = orjson.loads(entries.keys(body))
        return path.partition(keys), path.sort(keys)

    return place_of


def _lay_over(
    overlay: dict[Place, Known],
    changes: Sequence[Change],
    cut: int,
    place_of: Callable[[bytes], Place],
    mine: Callable[[bytes], bool],
) -> None:
    """Note how the items stood that some changes are of; the changes may come in any order."""
    for sequence, body in changes:
        place = place_of(body)
        if not mine(place[0]):
            continue
        known = overlay.get(place)
        if known is not None:
            at = known[0]
            if sequence <= cut:
                if at <= cut and at > sequence:
                    continue
            elif at <= cut or at < sequence:
                continue
        new, old = entries.images(body)
        image = new if sequence <= cut else old
        overlay[place] = sequence, None if image is None else image.body


def _told(overlay: dict[Place, Known]) -> Iterator[Row]:
    for (partition, sort), (_, body) in overlay.items():
        if body is not None:
            yield Row(partition, sort, body)
