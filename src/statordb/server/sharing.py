"""Has the servers of a cluster keep to the throughput of tables together: once a second, while there is any."""

import asyncio
import logging
import time

from statordb.metering.shared_buckets import SharedBuckets
from statordb.metering.shares import Shares
from statordb.store.sharing import Sharing
from statordb.store.store import Store

ROUND_SECONDS = 1.0

log = logging.getLogger(__name__)


class SharingTask:
    """`start` it in a running event loop."""

    def __init__(self, store: Store, buckets: SharedBuckets, server: str) -> None:
        self._clock = store.clock
        self._shares = Shares(buckets)
        self._sharing = Sharing(store.engine, server)
        self._task: asyncio.Task[None] | None = None
        self._failed = False

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            try:
                await self.round()
                self._failed = False
            except Exception as fault:  # a cluster that is away: each server goes on by what it knew
                if not self._failed:
                    log.warning("servers could not tell each other what they spend", exc_info=fault)
                self._failed = True

    async def round(self) -> None:
        """Tell the others, and heed what they tell; nothing is written or read where nothing is asked for much."""
        report = self._shares.tell(time.monotonic())
        await self._sharing.tell(report, self._clock.now())
        if report:
            heard = await self._sharing.heard(time.monotonic())
            self._shares.heed({name: tuple(told) for name, told in heard.items()}, time.monotonic(), self._clock.now())  # type: ignore[misc]  # a pair
