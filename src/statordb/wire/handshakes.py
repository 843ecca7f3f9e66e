"""Connections that were accepted and are not there yet: of TLS, behind a proxy, and those that came just now."""

import asyncio
from collections.abc import Coroutine
from typing import Any

HANDSHAKES_MAX = 1000  # at once


class Handshakes:
    """Holds them, bounded: the one that has taken longest makes room for the next.

    None is owed anything: who they are is not known yet, and an honest one is there within a moment.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._running: dict[asyncio.Task[None], None] = {}  # the oldest first
        self._failed = 0

    def __len__(self) -> int:
        return len(self._running)

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._running[task] = None
        task.add_done_callback(self._end)

    def make_room(self) -> bool:
        """End the oldest one. Returns False if there is none."""
        oldest = next(iter(self._running), None)
        if oldest is None:
            return False
        del self._running[oldest]  # at once, as more may have to make room in this round
        oldest.cancel()
        return True

    def fail(self) -> None:
        """Count one that has come to nothing."""
        self._failed += 1

    def take_failed(self) -> int:
        """How many came to nothing since this was last asked."""
        failed, self._failed = self._failed, 0
        return failed

    async def ended(self, seconds: float) -> None:
        """Wait until all of now have ended, for so long at most; end the others."""
        if self._running:
            _, late = await asyncio.wait(tuple(self._running), timeout=seconds)
            for task in late:
                task.cancel()

    def _end(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
