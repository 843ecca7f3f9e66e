"""Keeps how far a shard is done, behind the back of those who do it."""

import asyncio
from collections.abc import Awaitable, Callable

from statordb.store.functions.mappings import Checkpoint


class Checkpoints:
    """Writes the latest checkpoint that was wanted, one write at a time; what comes meanwhile goes into the next."""

    def __init__(self, save: Callable[[Checkpoint], Awaitable[object]], kept: Checkpoint) -> None:
        self._save = save
        self._kept = kept
        self._wanted = kept
        self._asked = asyncio.Event()

    def want(self, checkpoint: Checkpoint) -> None:
        """Later calls have later checkpoints."""
        if checkpoint != self._wanted:
            self._wanted = checkpoint
            self._asked.set()

    async def run(self) -> None:
        """Write what is wanted, until cancelled."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            await self.flush()

    async def flush(self) -> None:
        """Return when the latest wanted checkpoint is kept."""
        while self._kept != self._wanted:
            wanted = self._wanted
            await self._save(wanted)
            self._kept = wanted
