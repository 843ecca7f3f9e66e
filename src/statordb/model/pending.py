"""An answer that is not there yet: a future that runs its callback at once.

asyncio.Future schedules its callbacks on the event loop; on the way of every write that is one more round of the
loop, and making one asks for the running loop, which costs a system call on Python 3.11. This one calls back within
`set_result`. It may be awaited by asyncio's tasks as well. One result, one callback, one thread: that of the loop; and
where a task waits, the result must not come from within another task, which asyncio would not let it interrupt.
"""

import asyncio
from collections.abc import Callable, Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")
Callback = Callable[["Pending[Any]"], object]


class Pending(Generic[T]):
    """Has `result` once somebody has called `set_result` or `set_exception`; then the callback runs, before those
    return."""

    __slots__ = ("_asyncio_future_blocking", "_callback", "_error", "_loop", "_result", "finished")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._asyncio_future_blocking = False
        self._callback: Callback | None = None
        self._error: BaseException | None = None
        self._result: T | None = None
        self.finished = False

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    def set_result(self, result: T) -> None:
        self._result = result
        self._finish()

    def set_exception(self, error: BaseException) -> None:
        self._error = error
        self._finish()

    def _finish(self) -> None:
        assert not self.finished, "an answer comes once"
        self.finished = True
        if self._callback is not None:
            self._callback(self)

    def done(self) -> bool:
        return self.finished

    def result(self) -> T:
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]  # a T once finished

    def exception(self) -> BaseException | None:
        return self._error

    def cancelled(self) -> bool:
        return False

    def cancel(self, msg: object = None) -> bool:
        """Not possible: what was begun is finished. A task that awaits this one is cancelled after it."""
        return False

    def add_done_callback(self, callback: Callback, *, context: object = None) -> None:
        if self.finished:
            callback(self)
            return
        assert self._callback is None, "one callback"
        self._callback = callback

    def __await__(self) -> Generator[Any, None, T]:
        if not self.finished:
            self._asyncio_future_blocking = True
            yield self
        return self.result()
