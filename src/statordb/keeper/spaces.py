"""Gives back spaces that no record names: of operations that failed, or died, before the record was there."""

from statordb.store import spaces
from statordb.store.store import Store

UNNAMED_SECONDS = 600.0  # how long a space stays that nobody names: its record may just be coming
GIVEN_BACK_MAX = 100  # a run


class Spaces:
    """Compares what the engine has with what the records name, once a minute."""

    name = "spaces"
    every_seconds = 60.0

    def __init__(self, store: Store) -> None:
        self._store = store
        self._since: dict[int, float] = {}  # spaces that nobody names, and since when that is known

    async def run_once(self) -> bool:
        there = await self._store.engine.spaces()  # first: what is named until then is seen below
        named = await self._named()
        now = self._store.clock.now()
        self._since = {space: self._since.get(space, now) for space in there if space not in named}
        overdue = [space for space, since in self._since.items() if now - since >= UNNAMED_SECONDS][:GIVEN_BACK_MAX]
        if not overdue:
            return False
        await spaces.condemn(self._store.engine, overdue)
        named = await self._named()
        for space in overdue:
            if space not in named:
                await self._store.engine.drop_space(space)
            del self._since[space]
        return len(overdue) == GIVEN_BACK_MAX

    async def _named(self) -> set[int]:
        return spaces.named(await self._store.catalog.all(), await self._store.logs.all())
