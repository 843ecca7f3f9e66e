"""Work that goes on beside the keeper's turns: one task for each thing that wants attention all the time."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Mapping
from typing import Any

from statordb.model.tasks import Tasks

PAUSE_SECONDS_MIN = 0.1  # before a task that failed is begun again; it doubles
PAUSE_SECONDS_MAX = 5.0
STEADY_SECONDS = 30.0  # of work without a failure, after which the pause is the shortest again

Work = Callable[[], Coroutine[Any, Any, None]]
Report = Callable[[str, BaseException], None]


class Crew:
    """Tasks by key. One that fails is reported and begun again after a pause; one that returns is done.

    Whoever asks may be cancelled while it waits for tasks to end: then nothing is begun, and what is ending is waited
    for by who asks next.
    """

    def __init__(self, name: str, report: Report) -> None:
        self._name = name
        self._report = report
        self._tasks: dict[Hashable, asyncio.Task[None]] = {}
        self._ending = Tasks()

    async def reconcile(self, wanted: Mapping[Hashable, Work]) -> None:
        """Begin what is wanted and not there, cancel (and await the end of) what is there and not wanted."""
        await self._cancel([key for key in self._tasks if key not in wanted])
        for key, work in wanted.items():
            if key not in self._tasks:
                self._tasks[key] = asyncio.create_task(self._keep(work))

    async def rest(self) -> None:
        """Cancel all and await their end."""
        await self._cancel(list(self._tasks))

    async def _keep(self, work: Work) -> None:
        time = asyncio.get_running_loop().time
        pause = PAUSE_SECONDS_MIN
        while True:
            begun = time()
            try:
                await work()
                return
            except Exception as fault:
                self._report(self._name, fault)
            if time() - begun >= STEADY_SECONDS:
                pause = PAUSE_SECONDS_MIN
            await asyncio.sleep(pause)
            pause = min(pause * 2, PAUSE_SECONDS_MAX)

    async def _cancel(self, keys: list[Hashable]) -> None:
        for key in keys:
            task = self._tasks.pop(key)
            task.cancel()
            self._ending.hold(task)
        await self._ending.ended()  # its own cancellation is the only one that it raises
