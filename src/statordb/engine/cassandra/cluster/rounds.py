"""Work that many ask for at once, done for all of them together."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Rounds(Generic[T]):
    """Runs `work` one run at a time. Who asks gets the outcome of a run that began after he asked."""

    def __init__(self, work: Callable[[], Awaitable[T]]) -> None:
        self._work = work
        self._current: asyncio.Task[T] | None = None
        self._next: asyncio.Task[T] | None = None

    async def run(self) -> T:
        """What `work` gives, or raises."""
        if self._next is None:
            self._next = asyncio.get_running_loop().create_task(self._after(self._current))
            self._next.add_done_callback(_look_at)
        return await asyncio.shield(self._next)

    async def finish(self) -> None:
        """Wait until nothing runs."""
        while running := [task for task in (self._current, self._next) if task is not None and not task.done()]:
            await asyncio.wait(running)

    async def _after(self, current: asyncio.Task[T] | None) -> T:
        if current is not None and not current.done():
            await asyncio.wait([current])
        self._current, self._next = self._next, None
        return await self._work()


def _look_at(task: asyncio.Task[T]) -> None:
    """Those who asked get the exception; asyncio must not report it again where all of them have gone."""
    if not task.cancelled():
        task.exception()
