"""The items of a table as they were at a cut, out of rows that were scanned while it was written to, and its changes.

Of an item that a change tells of, the last one up to the cut says how it stood; where all of them come behind it, the
first one says how it was before. Any other item stands as the scan found it. What the changes tell is held in memory,
of as many items at a time as there is room for; each such pass reads all of them.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from itertools import islice

import orjson

from statordb.archive.chunks import ENTRIES_FORM, ROWS_FORM, entries_of, rows_of
from statordb.archive.objects import Bucket, folder, get_chunk
from statordb.archive.passes import ENTRIES_AT_ONCE, Pass, Passes
from statordb.model.schema import KeySchema
from statordb.store import entries
from statordb.store.access import PrimaryPath
from statordb.store.backups.records import BASE, LOG, BackupRecord, PartRecord
from statordb.store.records import TableRecord
from statordb.store.terms import Change, Place, Row

_ROWS_AT_ONCE = 100

Known = tuple[int, bytes | None]
"""The sequence of the change that tells how an item stood, and its body then."""
Changes = Callable[[], AsyncIterator[Sequence[Change]]]
Scanned = Callable[[], AsyncIterator[Iterator[Row]]]
"""Begin to read all changes, in any order; all rows that were scanned, an object at a time."""


async def state(bucket: Bucket, record: BackupRecord, parts: Sequence[PartRecord]) -> AsyncIterator[Sequence[Row]]:
    """A backup's items: some rows at a time, each once, in no order. Raises DamagedChunk, and what the bucket does."""

    async def changes() -> AsyncIterator[Sequence[Change]]:
        for part in parts:
            if part.kind == LOG:
                name = f"{folder(record)}/{part.name}"
                found = entries_of(await get_chunk(bucket, name, part.digest, ENTRIES_FORM, part.size))
                while some := list(islice(found, ENTRIES_AT_ONCE)):
                    yield some

    async def scanned() -> AsyncIterator[Iterator[Row]]:
        for part in parts:
            if part.kind == BASE:
                name = f"{folder(record)}/{part.name}"
                yield rows_of(await get_chunk(bucket, name, part.digest, ROWS_FORM, part.size))

    async for rows in stood(record.source, record.cut, changes, scanned):
        yield rows


async def stood(table: TableRecord, cut: int, changes: Changes, scanned: Scanned) -> AsyncIterator[Sequence[Row]]:
    """The items at a cut: some rows at a time, each once, in no order. Raises as the two readers do."""
    place_of = placing(table)
    passes: Passes[Known] = Passes(_size_of)
    while (some := passes.next()) is not None:
        async for found in changes():
            _lay_over(some, found, cut, place_of)
            await some.fit()
        async for rows in scanned():
            while part := list(islice(rows, _ROWS_AT_ONCE)):
                stand = [row for row in part if some.takes((row[0], row[1])) and (row[0], row[1]) not in some.known]
                if stand:
                    yield stand
                else:
                    await asyncio.sleep(0)
        told = _told(some.known)
        while part := list(islice(told, _ROWS_AT_ONCE)):
            yield part


def placing(table: TableRecord) -> Callable[[bytes], Place]:
    """What tells the place of an item by the keys in an entry."""
    path = PrimaryPath(table.space, KeySchema.parse(table.key_schema, table.definitions))

    def place_of(body: bytes) -> Place:
        keys = orjson.loads(entries.keys(body))
        return path.partition(keys), path.sort(keys)

    return place_of


def _lay_over(some: Pass[Known], changes: Sequence[Change], cut: int, place_of: Callable[[bytes], Place]) -> None:
    """Note how the items stood that some changes are of; the changes may come in any order."""
    for sequence, body in changes:
        place = place_of(body)
        if not some.takes(place):
            continue
        known = some.known.get(place)
        if known is not None:
            at = known[0]
            if sequence <= cut:
                if at <= cut and at > sequence:
                    continue
            elif at <= cut or at < sequence:
                continue
        new, old = entries.images(body)
        image = new if sequence <= cut else old
        some.put(place, (sequence, None if image is None else image.body))


def _size_of(known: Known) -> int:
    return len(known[1] or b"")


def _told(overlay: dict[Place, Known]) -> Iterator[Row]:
    for (partition, sort), (_, body) in overlay.items():
        if body is not None:
            yield Row(partition, sort, body)
