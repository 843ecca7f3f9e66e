"""Tasks that nobody waits for one by one, and work that is cut by whoever does it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator
from typing import Any, TypeVar

T = TypeVar("T")
Rest = Callable[[], Awaitable[None]]


def is_ended(error: BaseException) -> bool:
    """Whether it is the task that runs which was cancelled, as `Tasks.close` does, and not what it awaits."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0


def next_round() -> Awaitable[None]:
    """Of the event loop: all that is ready runs before."""
    return asyncio.sleep(0)


async def in_slices(steps: Generator[None, None, T], rest: Rest = next_round) -> T:
    """What a generator returns. Others run where it yields: until `rest` is over."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            value: T = done.value
            return value
        await rest()


class Tasks:
    """Holds tasks while they run: the event loop knows them only weakly. Each is let go of when it ends."""

    __slots__ = ("_running",)

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def __iter__(self) -> Iterator[asyncio.Task[Any]]:
        """Those that run; a copy, since they may end meanwhile."""
        return iter(tuple(self._running))

    def begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        return self.hold(asyncio.get_running_loop().create_task(work))

    def hold(self, task: asyncio.Task[T]) -> asyncio.Task[T]:
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    def cancel(self) -> None:
        for task in self:
            task.cancel()

    async def close(self) -> None:
        """Cancel what runs, and wait for its end. Raises nothing but the caller's own cancellation."""
        self.cancel()
        await self.ended()

    async def ended(self, seconds: float | None = None) -> None:
        """Wait until all that runs now has ended, however it does; or for so long."""
        if self._running:
            await asyncio.wait(tuple(self._running), timeout=seconds)
