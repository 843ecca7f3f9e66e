"""Sealing rows anew, by writing an item as it is: with all entries that it has in indexes, in one update.

That is a write like any other, so it overtakes no other one, and none overtakes it; but nothing has changed, and so
nothing is counted or logged.
"""

from statordb.engine.contract import Conflict, Effects, Engine, Key, Overloaded, Refused, Row, Stored
from statordb.store import codec
from statordb.store.image import Image
from statordb.store.table import Table


def spaces_of(table: Table) -> list[int]:
    """Of a table's rows, its items' last: whoever has sealed what is in all others may have come by them."""
    entries = [index.space for index in table.indexes]
    return [*entries, *([table.expiry.space] if table.expiry else ()), table.space]


async def reseal(engine: Engine, table: Table, space: int, row: Row) -> bool:
    """Seal anew what a row of one of the table's spaces belongs to; none of its indexes is being built. False if
    nothing was done: a transaction holds the item, too much waits already, or the schema has changed."""
    found = Key(space, row.partition, row.sort)
    key = found if space == table.space else table.primary.key(codec.decode(row.body))

    def plan(stored: list[Stored | None]) -> Effects | Refused:
        body = None if stored[0] is None else stored[0].body
        derived = _entries(table, key, None if body is None else Image(body))
        if found != key and all(entry != found for entry, _, _ in derived):
            derived.append((found, None, key))  # left behind, and about to go
        return Effects(writes=((key, body),), derived=derived)

    try:
        return isinstance(await engine.update((key,), plan, (table.guard,)), Effects)
    except (Conflict, Overloaded):
        return False


def _entries(table: Table, key: Key, image: Image | None) -> list[tuple[Key, bytes | None, Key | None]]:
    """The entries of an item in all indexes, none of which is being built."""
    found: list[tuple[Key, bytes | None, Key | None]] = []
    for index in table.indexes:
        entry = index.entry(image)
        if entry is not None:
            found.append((entry[0], entry[1].body, key))
    due = None if table.expiry is None else table.expiry.entry(image)
    return found if due is None else [*found, (*due, key)]
