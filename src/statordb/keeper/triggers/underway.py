"""Invocations that run, whoever waits for them still."""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine
from typing import Any, NamedTuple

from statordb.model.invocation import Outcome


class Place(NamedTuple):
    """What an invocation's records are of: a mapping, by its uuid, and a shard of its stream."""

    uuid: str
    shard: str


class Underway:
    """Runs every invocation as a task of its own: a function can't be called back, so who is cancelled leaves it
    behind, and who comes next must know of it."""

    def __init__(self) -> None:
        self._tasks: defaultdict[Place, set[asyncio.Task[Outcome]]] = defaultdict(set)

    async def run(self, place: Place, invocation: Coroutine[Any, Any, Outcome]) -> Outcome:
        """Returns or raises what the invocation does. It goes on if the caller is cancelled."""
        task = asyncio.create_task(invocation)
        self._tasks[place].add(task)
        task.add_done_callback(lambda done: self._end(place, done))
        await asyncio.wait((task,))  # which does not cancel it
        return task.result()

    def _end(self, place: Place, task: asyncio.Task[Outcome]) -> None:
        if not task.cancelled():
            task.exception()  # seen, though nobody may wait for it any more
        tasks = self._tasks[place]
        tasks.discard(task)
        if not tasks:
            del self._tasks[place]

    def busy(self, uuid: str) -> bool:
        """Whether anything of a mapping runs."""
        return any(place.uuid == uuid for place in self._tasks)

    async def quiet(self, place: Place) -> None:
        """Return when nothing of a shard runs."""
        while tasks := self._tasks.get(place):
            await asyncio.wait(tasks)
