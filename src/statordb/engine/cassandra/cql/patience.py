"""Asking again: what may be asked twice when an outcome is unknown, and what others were in the way of."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from statordb.engine.cassandra.cql.session import Unreachable
from statordb.engine.contract import Conflict, Key

PAUSE_SECONDS_MIN = 0.02
PAUSE_SECONDS_MAX = 0.5
AGAIN_SECONDS = 0.5
AGAIN_SECONDS_MAX = 10.0  # the same, where it was refused rather than not answered
CONFLICT_SECONDS = 1.0  # how long others may hold rows before the caller is told
CONTENTION_SECONDS = 5.0  # how long an update begins again for other reasons
YIELD_SECONDS = 0.01  # a pause between two tries, which grows
YIELDS_MAX = 5

T = TypeVar("T")

log = logging.getLogger(__name__)


async def insist(ask: Callable[[], Awaitable[T]], seconds: float) -> T:
    """What `ask` gives, asked again while it raises Unreachable. Raises Unreachable after that many seconds."""
    deadline = time.monotonic() + seconds
    pause = PAUSE_SECONDS_MIN
    while True:
        try:
            return await ask()
        except Unreachable:
            if time.monotonic() + pause > deadline:
                raise
        await asyncio.sleep(pause * (0.5 + random.random()))
        pause = min(2 * pause, PAUSE_SECONDS_MAX)


async def in_the_end(ask: Callable[[], Awaitable[T]], pause: float = AGAIN_SECONDS) -> T:
    """What `ask` gives, asked again for as long as it takes: what is owed stays owed. Only who cancels ends it."""
    refused = pause
    while True:
        try:
            return await ask()
        except Unreachable:
            wait = pause
        except Exception:  # a right that was taken away, or a fault of ours
            log.exception("what has to be done can't be done now")
            wait = refused = min(2 * refused, AGAIN_SECONDS_MAX)
        await asyncio.sleep(wait)


async def all_of(works: list[Awaitable[T]]) -> list[T]:
    """Run all to their ends, at once; then their results, or the first error."""
    results = await asyncio.gather(*works, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results  # type: ignore[return-value]


class Patience:
    """How long an update tries."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._met: float | None = None
        self._pauses = 0

    def meet(self, keys: Iterable[Key]) -> None:
        """Others hold rows. Raises Conflict."""
        now = time.monotonic()
        if self._met is None:
            self._met = now
        elif now - self._met > CONFLICT_SECONDS:
            raise Conflict(list(keys))

    def begin_again(self, keys: Iterable[Key]) -> None:
        """Rows have changed. Raises Conflict."""
        if time.monotonic() - self._begun > CONTENTION_SECONDS:
            raise Conflict(list(keys))

    async def pause(self) -> None:
        self._pauses = min(self._pauses + 1, YIELDS_MAX)
        await asyncio.sleep(random.random() * self._pauses * YIELD_SECONDS)
