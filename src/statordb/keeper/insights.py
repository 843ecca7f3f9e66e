"""Contributor Insights: forgets which keys were used more than a day ago."""

from statordb.store.store import Store


class Insights:
    """Some rows of each table a run."""

    name = "insights"
    every_seconds = 60.0

    def __init__(self, store: Store) -> None:
        self._store = store

    async def run_once(self) -> bool:
        await self._store.insights.forget()
        return False
