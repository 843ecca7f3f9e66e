"""How a table's changes begin to be kept, and cease to be: its track is a reader of its log."""

import secrets
from collections.abc import Callable
from dataclasses import replace

from statordb.store import readers
from statordb.store.archive.records import TrackRecord, reader_of
from statordb.store.catalog import Rows
from statordb.store.records import TableRecord
from statordb.store.store import Store
from statordb.store.terms import Refused

VIEW = "NEW_AND_OLD_IMAGES"

Change = Callable[[TableRecord | None], TableRecord | Refused]
"""What becomes of a table's record, its track apart. Pure."""


async def join(store: Store, record: TableRecord, change: Change) -> TableRecord | Refused:
    """Alter a table's record, and have its changes kept from now on, unless they are. Refused as `change` does, and as
    readers that come and go all the time are, with a ClientError. `record`: the table's as it was read. Raises
    ThrottlingException."""
    now = store.clock.now()
    id = f"{int(now * 1000):014d}-{secrets.token_hex(4)}"

    def decide(rows: Rows) -> Rows | Refused:
        changed = change(rows.table)
        if isinstance(changed, Refused):
            return changed
        if changed.track is not None:
            return Rows(changed, None, None)
        return readers.join(store, rows._replace(table=replace(changed, track=id)), reader_of(id), VIEW, now)

    name = (record.account, record.region, record.name)
    outcome = await readers.change(store, name, record, decide, joins=True)
    if not isinstance(outcome, Refused):
        await store.tracks.begin(outcome, store.clock.now())
    return outcome


async def leave(store: Store, record: TableRecord, change: Change) -> TableRecord | Refused:
    """Alter a table's record, and have its changes kept no more. Refused as `change` does."""
    now = store.clock.now()

    def decide(rows: Rows) -> Rows | Refused:
        changed = change(rows.table)
        if isinstance(changed, Refused):
            return changed
        if changed.track is None:
            return Rows(changed, None, None)
        left = rows._replace(table=replace(changed, track=None))
        if left.log is None:
            return left
        return readers.leave(left, reader_of(changed.track), now, store.stream_shards)

    return await readers.change(store, (record.account, record.region, record.name), record, decide)


async def is_living(store: Store, track: TrackRecord) -> bool:
    """Whether a table is there that names a track."""
    table = await store.catalog.reload(*track.name)
    return table is not None and table.record.track == track.id
