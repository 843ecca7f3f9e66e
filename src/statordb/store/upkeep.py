"""The upkeep of indexes beside the writes of their items: entries that are missing are put, those left behind go.

Each is an update of the items themselves, guarded by the table's record: so no entry overtakes what a write of its item
derives, and none is made by an old schema.
"""

from collections.abc import Sequence
from functools import partial

from statordb.engine.contract import Conflict, Effects, Engine, Key, Plan, Refused, Row, Stored
from statordb.store.image import Image
from statordb.store.indexes.expiry import ExpiryIndex
from statordb.store.indexes.secondary import SecondaryIndex
from statordb.store.staging import Staging
from statordb.store.table import Table


async def enter(engine: Engine, table: Table, index: SecondaryIndex | ExpiryIndex, rows: Sequence[Row]) -> bool:
    """Put the entries of some items, as they were read, in an index that is being built.

    False if nothing was done: a transaction holds an item, or the schema has changed.
    """
    items = [Key(table.space, row.partition, row.sort) for row in rows]
    images = [Image(row.body) for row in rows]
    entries = [entry[0] for image in images if (entry := index.entry(image)) is not None]
    try:
        outcome = await engine.update([*items, *entries], _entering(index, items, images, entries), (table.guard,))
    except Conflict:
        return False
    return isinstance(outcome, Effects)


def _entering(index: SecondaryIndex | ExpiryIndex, items: list[Key], images: list[Image], entries: list[Key]) -> Plan:
    """A plan over items, then the entries they had when they were read: puts those that are missing and still right.

    An item that changed since was written by the new schema, so its entry is there. `images`: the items as they were
    read, so that one that has not changed is not parsed again.
    """

    def plan(stored: list[Stored | None]) -> Effects | Refused:
        missing = {key for key, row in zip(entries, stored[len(items) :], strict=True) if row is None}
        staging = Staging()
        for base, read, row in zip(items, images, stored, strict=False):
            image = None if row is None else read if row.body == read.body else Image(row.body)
            entry = index.entry(image)
            if entry is None or entry[0] not in missing:
                continue
            rows, size, _ = index.update(None, image, partial(staging.entry, base))
            if rows or size:
                staging.tallies.append((index.space, rows, size))
        return staging.effects(None)

    return plan


async def clear(engine: Engine, table: Table, index: ExpiryIndex, key: Key, entry: Key) -> None:
    """Delete an entry that led to the item of a key, if it is not that item's; not now if a transaction holds that."""

    def plan(stored: list[Stored | None]) -> Effects | Refused:
        body = None if stored[0] is None else stored[0].body
        own = index.entry(None if body is None else Image(body))
        if own is not None and own[0] == entry:
            return Refused(None)
        return Effects(writes=((key, body),), derived=((entry, None, key),))

    try:
        await engine.update((key,), plan, (table.guard,))
    except Conflict:
        return
