"""Which rack's nodes are asked: the own one's while they answer well, else the next.

A node that does not answer is passed over by the driver. One that is cut off from the other nodes, but not from us,
does answer, always the same: that too few of the others live, or answer it in time. Another rack's nodes may see more.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from acsylla import errors

TIMEOUTS = 3  # so many requests that a node could not get answered, within TIMEOUT_SECONDS, are a reason to look
TIMEOUT_SECONDS = 10.0
LOOK_SECONDS = 1.0  # between two looks whether the own rack gets answers
BACK_SECONDS = 5.0  # before the own rack is tried again, and twice as long after each time
BACK_SECONDS_MAX = 60.0
WORSE_SECONDS = 1.0  # before another one is looked for where that fails too
_TIMED_OUT = (errors.CassErrorServerReadTimeout, errors.CassErrorServerWriteTimeout)

log = logging.getLogger(__name__)


class Racks:
    """The driver's sessions, by the rack that each asks first; those of other racks are opened when first needed."""

    def __init__(
        self,
        own: Any,
        racks: Sequence[str],
        open_driver: Callable[[str], Awaitable[Any]],
        use: Callable[[Any], None],
        works: Callable[[Any], Awaitable[object]],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`own`: the session of the first of `racks`. `use`: called with the session to use from now on. `works`:
        raises where a session's nodes can't get a majority's answer."""
        self._racks = racks
        self._drivers = {racks[0]: own}
        self._open_driver = open_driver
        self._use = use
        self._works = works
        self._now = now
        self._at = 0  # which of the racks is asked
        self._timeouts: list[float] = []  # when the last of them were
        self._looked_at = float("-inf")
        self._moving: asyncio.Task[None] | None = None
        self._worse = asyncio.Event()  # the rack that is asked instead fails too

    @property
    def asked(self) -> str:
        return self._racks[self._at]

    def failed(self, fault: Exception) -> None:
        """A request has failed at the rack that is asked."""
        if len(self._racks) == 1:
            return
        if isinstance(fault, _TIMED_OUT):
            now = self._now()
            self._timeouts = [when for when in self._timeouts if now - when < TIMEOUT_SECONDS][-TIMEOUTS:]
            self._timeouts.append(now)
            if len(self._timeouts) < TIMEOUTS:
                return
        elif not isinstance(fault, errors.CassErrorServerUnavailable):
            return
        self._timeouts.clear()
        self._worse.set()
        if self._moving is None and self._now() - self._looked_at >= LOOK_SECONDS:
            self._looked_at = self._now()
            self._moving = asyncio.get_running_loop().create_task(self._move())

    async def close(self) -> None:
        if self._moving is not None:
            self._moving.cancel()
            await asyncio.gather(self._moving, return_exceptions=True)
        for driver in self._drivers.values():
            await driver.close()

    async def _move(self) -> None:
        """Ask another rack for a while; return to the own one when it works again."""
        try:
            if await self._is_well(self._drivers[self.asked]):
                return  # it is about some rows, or a moment: other racks would say the same
            await self._leave()
            pause = BACK_SECONDS
            while self._at != 0:
                await self._wait(pause)
                pause = min(2 * pause, BACK_SECONDS_MAX)
                if await self._is_well(self._drivers[self._racks[0]]):
                    self._go(0)
                elif not await self._is_well(self._drivers[self.asked]):
                    await self._leave()
        finally:
            self._moving = None

    async def _wait(self, seconds: float) -> None:
        self._worse.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._worse.wait()
                await asyncio.sleep(WORSE_SECONDS)
        except TimeoutError:
            return

    async def _leave(self) -> None:
        """Go to the next rack whose nodes get answers; stay where there is none."""
        for step in range(1, len(self._racks)):
            at = (self._at + step) % len(self._racks)
            try:
                driver = self._drivers.get(self._racks[at])
                if driver is None:
                    driver = self._drivers[self._racks[at]] = await self._open_driver(self._racks[at])
            except Exception as fault:
                log.warning("another rack can't be reached", extra={"rack": self._racks[at], "reason": str(fault)})
                continue
            if await self._is_well(driver):
                self._go(at)
                return

    def _go(self, at: int) -> None:
        log.warning("the nodes of another rack are asked", extra={"rack": self._racks[at], "before": self.asked})
        self._at = at
        self._use(self._drivers[self._racks[at]])

    async def _is_well(self, driver: Any) -> bool:
        try:
            await self._works(driver)
        except Exception:
            return False
        return True
