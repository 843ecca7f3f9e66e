"""Several coroutines side by side, without a Task for each."""

from asyncio import AbstractEventLoop
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Generic, TypeVar

from statordb.model.pending import Pending

T = TypeVar("T")


class Together(Generic[T]):
    """Coroutines that go on by the callbacks of what they wait for. What a Task would cost, for each of many that wait
    but once, is most of what they do. As with `Pending`, nothing here is cancelled: what was begun is finished.

    What they await is a `Pending`, or a future of asyncio's. None of them may want a Task for itself, as
    `asyncio.timeout` does.
    """

    __slots__ = ("_all", "_ended", "_left", "_loop", "outcomes")

    def __init__(self, loop: AbstractEventLoop, ended: Callable[[], object]) -> None:
        """`ended`: called as each of them ends."""
        self.outcomes: list[T | BaseException | None] = []
        """What they gave or raised, in the order of `begin`; None of those that go on."""
        self._loop = loop
        self._ended = ended
        self._left = 0
        self._all: Pending[None] | None = None

    def begin(self, work: Coroutine[Any, Any, T]) -> None:
        """Run it as far as it goes at once."""
        self._left += 1
        self.outcomes.append(None)
        self._go_on(len(self.outcomes) - 1, work, None)

    def _go_on(self, place: int, work: Coroutine[Any, Any, T], _: object) -> None:
        try:
            waited = work.send(None)
        except StopIteration as done:
            self.outcomes[place] = done.value
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as fault:
            self.outcomes[place] = fault
        else:
            if waited is None:  # a bare yield: let others run
                self._loop.call_soon(self._go_on, place, work, None)
            else:
                waited._asyncio_future_blocking = False
                waited.add_done_callback(partial(self._go_on, place, work))
            return
        self._left -= 1
        self._ended()
        if not self._left and self._all is not None:
            self._all.set_result(None)

    async def all(self) -> list[T | BaseException | None]:
        """The outcomes, once all have ended."""
        if self._left:
            self._all = Pending(self._loop)
            await self._all
        return self.outcomes
