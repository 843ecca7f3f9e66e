"""Putting items into a table that nobody else reads or writes yet."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from statordb.store import codec
from statordb.store.image import Image
from statordb.store.staging import Staging
from statordb.store.store import Store
from statordb.store.table import Table
from statordb.store.terms import Effects, Key, Refused, Row, Stored

Derived = tuple[int, bytes, bytes, bytes]
"""An entry of an index: space, partition, sort bytes, body."""


class Batch(NamedTuple):
    """Rows of items that go together, each key once. `entries`: those of each, in all indexes; None: they are still to
    be derived."""

    rows: Sequence[Row]
    entries: Sequence[Sequence[Derived]] | None = None


async def load(store: Store, table: Table, batch: Batch) -> bool:
    """Put the items that are not there yet, with their index entries: it may be done again. False if the table's record
    is not what it was: it may be in use by now. Rows of several partitions go together only where that is no matter
    of several machines."""
    space = table.space
    keys = [Key(space, partition, sort) for partition, sort, _ in batch.rows]
    plan = _plan(table, keys, batch.rows) if batch.entries is None else _ready(space, keys, batch.rows, batch.entries)
    outcome = await store.engine.update(keys, plan, (table.guard,))
    return isinstance(outcome, Effects)


Plan = Callable[[list[Stored | None]], Effects | Refused]


def _plan(table: Table, keys: Sequence[Key], rows: Sequence[Row]) -> Plan:
    if not table.looks_back:
        return _ready(table.space, keys, rows, None)

    def plan(stored: list[Stored | None]) -> Effects | Refused:
        staging = Staging()
        for key, row, there in zip(keys, rows, stored, strict=True):
            if there is None:
                table.stage(staging, key, None, Image(row.body))
        return staging.effects(None)

    return plan


def _ready(space: int, keys: Sequence[Key], rows: Sequence[Row], entries: Sequence[Sequence[Derived]] | None) -> Plan:
    """Of rows whose entries are known; None: there are no indexes."""

    def plan(stored: list[Stored | None]) -> Effects | Refused:
        writes: list[tuple[Key, bytes]]
        if any(stored):
            absent = [at for at, there in enumerate(stored) if there is None]
            writes = [(keys[at], rows[at][2]) for at in absent]
        else:
            absent = range(len(rows))  # type: ignore[assignment]  # all of them
            writes = [(key, row[2]) for key, row in zip(keys, rows, strict=True)]
        tallies = {space: (len(writes), sum(codec.sizes([body for _, body in writes])))} if writes else {}
        derived = []
        if entries is not None:
            for at in absent:
                for index, partition, sort, body in entries[at]:
                    derived.append((Key(index, partition, sort), body, keys[at]))
                    count, size = tallies.get(index, (0, 0))
                    tallies[index] = count + 1, size + codec.size(body)
        return Effects(writes, derived, (), [(each, *total) for each, total in tallies.items()])

    return plan
