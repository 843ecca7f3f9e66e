"""What the services of AWS's further APIs have in common: tasks that take turns, and operations that are loaded late.

A request of these APIs is answered by a task, since it may wait for long. What it does between two waits is a slice
like those of long pages: however many requests are sent at once, and however large they are, others run in between.
"""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Generic, TypeVar

from statordb.commands.turns import Turns
from statordb.model.tasks import Tasks, is_ended

A = TypeVar("A")
T = TypeVar("T")

_SHUTDOWN = (KeyboardInterrupt, SystemExit)


class Calls(Generic[A]):
    """The requests of a service that are under way. `load` makes what answers them, with the first of them: a server
    whose clients use tables only starts no slower, and needs no more memory, than one without the service."""

    def __init__(self, load: Callable[[], A], turns: Turns | None = None) -> None:
        self._load = load
        self._turns = turns or Turns()
        self._tasks = Tasks()
        self._api: A | None = None

    async def api(self) -> A:
        """What answers requests. Raises what `load` raises."""
        if self._api is None:
            self._api = await asyncio.to_thread(self._load)  # it takes as long as a hundred requests
        return self._api

    def begin(
        self, answer: Coroutine[Any, Any, T], source: object, failed: Callable[[BaseException], T]
    ) -> asyncio.Task[T]:
        """Answer a request that came from `source`. `failed`: the answer to one whose own raised something."""
        return self._tasks.begin(self._answered(Paced(answer, self._turns, source), failed))

    async def close(self) -> None:
        """Cancel what still runs, and await its end."""
        await self._tasks.close()

    async def _answered(self, answer: "Paced[T]", failed: Callable[[BaseException], T]) -> T:
        try:
            return await answer
        except _SHUTDOWN:
            raise
        except BaseException as error:
            if is_ended(error):
                raise
            return failed(error)  # perhaps what was awaited has been cancelled, which ends no one else


class Paced(Generic[T]):
    """What a coroutine comes to whose stretches between two waits are slices of `source`. A bare yield, as of
    `asyncio.sleep(0)`, ends a slice. To be awaited once, by a task."""

    __slots__ = ("_source", "_turns", "_work")

    def __init__(self, work: Coroutine[Any, Any, T], turns: Turns, source: object) -> None:
        self._work = work
        self._turns = turns
        self._source = source

    def __await__(self) -> Generator[Any, Any, T]:
        turns, work = self._turns, self._work
        waited: Any = None
        begun = False
        while True:
            raised: BaseException | None = None
            try:
                if waited is not None:
                    yield waited
                if turns.taken or (begun and waited is None):
                    yield from turns.wait(self._source, first=begun).__await__()
            except BaseException as error:
                raised = error  # of what is awaited, or the task's end: the coroutine's to deal with
            began, begun = turns.clock(), True
            try:
                waited = work.send(None) if raised is None else work.throw(raised)
            except StopIteration as done:
                value: T = done.value
                return value
            finally:
                turns.use(turns.clock() - began)
