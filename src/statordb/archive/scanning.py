"""A scan of the rows of a space into objects, which goes on behind the last one that was noted."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace

from statordb.archive.chunks import ROWS_FORM, Gathered
from statordb.archive.objects import Bucket, put_chunk
from statordb.model.limits import BACKUP_CHUNK_BYTES_MAX
from statordb.store.backups.records import BASE, PartRecord
from statordb.store.store import Store
from statordb.store.terms import PageBudget, Place, Stop

PAGE = PageBudget(rows_max=200, bytes_max=128 << 10)  # read, and opened, in one go

Note = Callable[[PartRecord], Awaitable[None]]
"""Note a part whose object is there."""


async def scan(
    store: Store,
    bucket: Bucket,
    space: int,
    folder: str,
    parts: Sequence[PartRecord],
    note: Note,
    *,
    once: bool = False,
) -> AsyncIterator[None]:
    """Keep the rows behind the last of `parts`; gives back between small pieces. `once`: no object has a name that an
    earlier try had. Raises what the store and the bucket do."""
    if parts and parts[-1].after is None:
        return
    number = len(parts)
    after = _place(parts[-1].after) if parts else None
    chunk = Gathered(ROWS_FORM)
    while True:
        page = await store.engine.scan(space, 0, 1, PAGE, after)
        for row in page.rows:
            chunk.add_row(row)
        after = None if page.stop is Stop.EXHAUSTED else page.last
        if after is None or chunk.size >= BACKUP_CHUNK_BYTES_MAX:
            behind = None if after is None else [each.hex() for each in after]
            part = PartRecord(BASE, number, "", chunk.size, chunk.entries, behind, secrets.token_hex(4) if once else "")
            digest = await put_chunk(bucket, f"{folder}/{part.name}", chunk)
            await note(replace(part, digest=digest))
            chunk, number = Gathered(ROWS_FORM), number + 1
        yield
        if after is None:
            return


def _place(after: list[str] | None) -> Place:
    assert after is not None, "the scan is not at its end"
    partition, sort = after
    return bytes.fromhex(partition), bytes.fromhex(sort)
