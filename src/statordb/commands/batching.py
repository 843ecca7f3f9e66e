"""The command that makes several writes, each by itself: BatchWrite."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from statordb.commands.context import Context
from statordb.commands.demands import TableDemand
from statordb.commands.writing import Delete, Done, Put
from statordb.model import errors
from statordb.model.budget import UNBOUNDED
from statordb.store.table import Apply, Table, Written
from statordb.store.terms import Conflict, Key, Overloaded


class BatchWrite(NamedTuple):
    """Puts and deletes, none with a condition, of different items, all at once."""

    writes: Sequence[Put | Delete]

    def demands(self) -> list[TableDemand]:
        tables = dict.fromkeys(write.table for write in self.writes)
        return [TableDemand("dynamodb:BatchWriteItem", table) for table in tables]

    async def run(self, context: Context) -> list[Done | None]:
        """What was done, in order; None where a transaction holds the item, and went on to."""
        turn = context.turn()
        await turn.begin()
        tables: dict[str, Table] = {}
        made: list[tuple[Table, Key, Apply]] = []
        for write in self.writes:
            table = tables.get(write.table)
            if table is None:
                table = context.known_table(write.table) or await context.table(write.table)
                tables[write.table] = table
            # Nothing is given up as too heavy from here on: others of the batch may have been written by then.
            made.append((table, write.place(table), write.apply(table, UNBOUNDED)))
            if turn.due():
                await turn.over()
        if len({key for _, key, _ in made}) != len(made):
            raise errors.validation("Provided list of item keys contains duplicates")
        return await asyncio.gather(*(_write(*each) for each in made))


async def _write(table: Table, key: Key, apply: Apply) -> Done | None:
    """None if a transaction holds the item, and went on to, or if too much waits for the store already."""
    try:
        written = await table.write(key, apply)
    except (Conflict, Overloaded):
        return None
    assert isinstance(written, Written), "nothing is refused without a condition"
    return Done(table, written)
