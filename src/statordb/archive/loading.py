"""Putting items back into a table that nobody else reads or writes yet."""

from collections.abc import Callable, Sequence

from statordb.store.image import Image
from statordb.store.staging import Staging
from statordb.store.store import Store
from statordb.store.table import Table
from statordb.store.terms import Effects, Key, Refused, Row, Stored


async def load(store: Store, table: Table, rows: Sequence[Row]) -> bool:
    """Put the items that are not there yet, with their index entries: it may be done again. False if the table's record
    is not what it was: it may be in use by now. `rows` of several partitions go together only where that is no matter
    of several machines."""
    keys = [Key(table.space, row.partition, row.sort) for row in rows]
    outcome = await store.engine.update(keys, _plan(table, keys, rows), (table.guard,))
    return isinstance(outcome, Effects)


def _plan(table: Table, keys: Sequence[Key], rows: Sequence[Row]) -> Callable[[list[Stored | None]], Effects | Refused]:
    def plan(stored: list[Stored | None]) -> Effects | Refused:
        staging = Staging()
        for key, row, there in zip(keys, rows, stored, strict=True):
            if there is None:
                table.stage(staging, key, None, Image(row.body))
        return staging.effects(None)

    return plan
