"""An event loop for tests that would have to wait: time passes at once when there is nothing else to do."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import Any

from statordb.engine.contract import Engine

WRITES = ("update", "create_space", "drop_space", "reclaim", "trim")  # what an engine does in another thread
WRITE_SECONDS_MAX = 240.0  # of real time, for a write


class _Hurried(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.writes = 0  # under way in another thread

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        ready = super().select(WRITE_SECONDS_MAX if self.writes else 0)
        if not ready:
            assert not self.writes, "the writer's thread does not answer"
            self.now += timeout
        return ready


class HurriedLoop(asyncio.SelectorEventLoop):
    """An event loop with a clock of its own, which goes forward when all wait for it, and only then."""

    def __init__(self) -> None:
        self._hurried = _Hurried()
        super().__init__(self._hurried)

    def time(self) -> float:
        return self._hurried.now

    def watch(self, engine: Engine) -> None:
        """Let no time pass while the engine writes: all else that it does is done at once."""
        for name in WRITES:
            setattr(engine, name, self._watched(getattr(engine, name)))

    def _watched(self, write: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def watched(*arguments: Any, **named: Any) -> Any:
            self._hurried.writes += 1
            try:
                return await write(*arguments, **named)
            finally:
                self._hurried.writes -= 1

        return watched
