"""Deletes deployment packages that no function names any more."""

from statordb.store.store import Store


class Packages:
    """All that have been idle for long enough, once a minute."""

    name = "packages"
    every_seconds = 60.0

    def __init__(self, store: Store) -> None:
        self._store = store

    async def run_once(self) -> bool:
        await self._store.functions.sweep()
        return False
