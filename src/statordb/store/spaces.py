"""Spaces of tables and logs: made for a record that is about to name them, and given back where none does.

A space is there before a record names it, and a process may die in between. So what the engine has and no record names
is given back after a while. A record that is slow to come must not name a space that is being given back: so that is
condemned first, by a row of its own, and every update that names new spaces is guarded by their not being condemned.
Ids are never given twice, so these rows stay for ever; there is one for each time that a process died at the wrong
moment.
"""

from collections.abc import Iterable, Sequence

from statordb.engine.contract import ABSENT, Effects, Engine, Guard, Key, Use
from statordb.store import contention, news
from statordb.store.keyspace import Space
from statordb.store.log import LogRecord
from statordb.store.records import TableRecord


class Draft:
    """New spaces for one update of the catalog, which is to be told of them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._made: list[int] = []

    async def rows(self) -> int:
        """A space for a table's items."""
        return await self._make(Use.ROWS, None)

    async def within(self, space: int) -> int:
        """A space for a local index of a table's."""
        return await self._make(Use.ROWS, space)

    async def derived(self) -> int:
        """A space for another index."""
        return await self._make(Use.DERIVED, None)

    async def log(self) -> int:
        """A space for change logs."""
        return await self._make(Use.LOG, None)

    @property
    def guards(self) -> Sequence[Guard]:
        """They hold as long as none of the spaces is being given back."""
        return [(_condemned(space), ABSENT) for space in self._made]

    async def give_back(self) -> None:
        """The update is known not to have happened: nobody else can name these."""
        while self._made:
            await self._engine.drop_space(self._made.pop())

    async def give_back_one(self, space: int) -> None:
        """It turned out not to be needed, and no record names it."""
        self._made.remove(space)
        await self._engine.drop_space(space)

    async def _make(self, use: Use, within: int | None) -> int:
        space = await self._engine.create_space(use, within)
        self._made.append(space)
        return space


def named(tables: Iterable[TableRecord], logs: Iterable[LogRecord]) -> set[int]:
    """Every space that records name."""
    return {space for table in tables for space in table.spaces()}.union(*(log.spaces for log in logs))


async def condemn(engine: Engine, spaces: Sequence[int]) -> None:
    """See to it that no record comes to name these from now on: one that does already is to be seen afterwards."""
    keys = [_condemned(space) for space in spaces]
    effects = Effects(writes=[(key, b"") for key in keys], announce=[f"{news.SPACE}{space}" for space in spaces])
    await contention.update(engine, keys, lambda stored: effects)


def _condemned(space: int) -> Key:
    return Key(Space.CONDEMNED, space.to_bytes(8, "big"), b"")
