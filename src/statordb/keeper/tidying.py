"""Forgetting jobs of which nobody is told any more."""

from collections.abc import Callable
from typing import Generic

from statordb.metering.month import HOUR
from statordb.store.jobs.jobs import Jobs
from statordb.store.jobs.records import J


class Tidying(Generic[J]):
    """Of one sort of jobs, once an hour. `forgotten`: is told of each before its record goes."""

    def __init__(self, jobs: Jobs[J], forgotten: Callable[[J], None] | None = None) -> None:
        self._jobs = jobs
        self._forgotten = forgotten
        self._next_at = 0.0

    async def run(self, now: float) -> None:
        """`now`: in seconds since the epoch."""
        if now < self._next_at:
            return
        self._next_at = now + HOUR
        async for record in self._jobs.old(now):
            if self._forgotten is not None:
                self._forgotten(record)
            await self._jobs.forget(record)
