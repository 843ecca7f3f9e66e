"""Asking again: what may be asked twice when an outcome is unknown, and what others are, or were, in the way of."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from statordb.engine.cassandra.cql.session import TimedOut, Unreachable
from statordb.engine.contract import Conflict, Key, Overloaded

PAUSE_SECONDS_MIN = 0.02
PAUSE_SECONDS_MAX = 0.5
AGAIN_SECONDS = 0.5
AGAIN_SECONDS_MAX = 10.0  # the same, where it was refused rather than not answered
CONFLICT_SECONDS = 1.0  # how long others may hold rows before the caller is told
CONTENTION_SECONDS = 5.0  # how long an update begins again for other reasons
YIELD_SECONDS = 0.01  # a pause between two tries, which grows
YIELDS_MAX = 5
RACE_SECONDS = 10.0  # how long a row is tried at that others change at the same time
RACE_PAUSE_SECONDS = 0.01  # at most, before the second try; longer and longer

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


class Race:
    """Tries at a row that others are changing at the same time, by conditional writes of which nothing else depends."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._until = monotonic() + RACE_SECONDS
        self._pause = RACE_PAUSE_SECONDS

    async def again(self, fault: Unreachable | None = None) -> None:
        """A try was in vain, since others were faster or by this fault; returns when to try again. Raises, after some
        seconds, Overloaded, or the fault where it need not be of others' doing."""
        if self._monotonic() + self._pause > self._until:
            if fault is None or isinstance(fault, TimedOut):
                raise Overloaded("others change a row all the time") from fault
            raise fault
        await asyncio.sleep(random.random() * self._pause)
        self._pause = min(2 * self._pause, PAUSE_SECONDS_MAX)


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
