"""What this process may still append to logs, as it tells the others; and up to where logs may be read, by what they
tell. Why that holds: see `membership`."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from statordb.engine.cassandra.cluster import pulses
from statordb.engine.cassandra.cluster.clock import Clock
from statordb.engine.cassandra.cluster.pulses import PARKED, Sight, Who
from statordb.engine.cassandra.cluster.rounds import Rounds
from statordb.engine.cassandra.cluster.times import Times
from statordb.engine.cassandra.cql.session import Unreachable


class Owing(Protocol):
    """What this process owes."""

    def lowest(self) -> int | None:
        """A number below every sequence that may still be appended, None if nothing is owed."""
        ...

    def renew(self) -> None:
        """The process was taken for dead: what it owed is others' business."""
        ...

    async def end(self) -> None:
        """The process leaves, and owes nothing. Raises Unreachable."""
        ...


class Telling(Protocol):
    """How this process tells of itself, and looks at the others. `sight`: the last look; `lost`: not, or no longer,
    among the living."""

    term: int
    lost: bool
    sight: Sight

    @property
    def who(self) -> Who: ...

    @property
    def tell(self) -> Callable[[], Awaitable[None]]:
        """Raises Unreachable."""
        ...

    @property
    def look(self) -> Callable[[], Awaitable[Sight]]:
        """A look that begins after this is called. Raises Unreachable."""
        ...

    @property
    def hurry(self) -> Callable[[], None]:
        """Tell soon, and again and again while others wait for it."""
        ...


class Watermark:
    def __init__(self, telling: Telling, clock: Clock, times: Times) -> None:
        self._telling = telling
        self._clock = clock
        self._times = times
        self._owing: Owing | None = None
        self._unparks = Rounds(self._unpark)
        self.told_parked = True  # what the pulses say
        self._open = False  # updates that owe may go on
        self._top = 0
        self._floor = 0  # acknowledged to be below all that this process may still append
        self._done = 0  # above all that this process has appended
        self._owed_at = float("-inf")
        self._read_at = float("-inf")
        self._mark = 0

    def watch(self, owing: Owing) -> None:
        self._owing = owing

    # What this process tells

    def lowest(self) -> int | None:
        return None if self._owing is None else self._owing.lowest()

    def wants(self) -> bool:
        """Whether this process reads logs."""
        return time.monotonic() - self._read_at < self._times.wanted

    def told(self) -> tuple[int, int, int]:
        """For a pulse: its low, its top, and what readers may go by once it is acknowledged."""
        if self.told_parked:
            low, floor = PARKED, self._top
        else:
            lowest = self.lowest()
            low = floor = self._clock.bound() if lowest is None else lowest
        return low, max(floor, self._top), floor

    def acknowledged(self, floor: int) -> None:
        self._floor = max(self._floor, floor)

    def begin(self, highest: int) -> None:
        """Under a number whose last holder, and all others, told of nothing above."""
        self._top = max(self._top, highest)
        self.told_parked, self._open = True, False

    def lose(self) -> None:
        """The others have taken this process for dead."""
        self._open = False
        if self._owing is not None:
            self._owing.renew()

    async def end(self) -> int:
        """The process leaves: a number that all it appended is below. Raises Unreachable, also if something is owed."""
        if self._owing is not None:
            await self._owing.end()
        return max(self._top, self._clock.bound())

    def park_if_idle(self) -> None:
        idle = time.monotonic() - self._owed_at >= self._times.linger
        if not self.told_parked and self.lowest() is None and idle:
            self.told_parked, self._open = True, False
            self._top = self._clock.bound()

    @property
    def parked(self) -> bool:
        """Whether `unpark` must be called before anything is owed."""
        return not self._open

    async def unpark(self) -> None:
        """Be above all that any reader may have been given. What this process is about to owe must have been noted, so
        that it is not parked again. Raises Unreachable."""
        while not self._open:
            await self._unparks.run()

    async def _unpark(self) -> None:
        if self._open:
            return
        term = self._telling.term
        self.told_parked = False
        self._owed_at = time.monotonic()
        self._telling.hurry()
        await self._telling.tell()
        await self._telling.look()  # and pass by all that is found
        if self._telling.lost or term != self._telling.term:
            raise Unreachable("the others took this process for dead")
        self._open = not self.told_parked

    def settled(self) -> None:
        """Everything was appended that some update owed."""
        self._done = self._clock.bound()
        self._owed_at = time.monotonic()

    # What it may read

    async def read(self) -> int:
        """No sequence up to this one will ever newly appear in a log. Raises Unreachable.

        All that this process has appended is below, as far as others tell within a moment that they are past it, and
        but for what lies above something that this process still owes.
        """
        if not self.wants():
            self._telling.hurry()
        self._read_at = time.monotonic()
        done = self._done
        until = self._read_at + self._times.moment
        while True:
            if done > self._floor:
                await self._telling.tell()
            mark = await self._two_looks()
            if mark >= done or self.lowest() is not None or time.monotonic() > until:
                return mark
            await asyncio.sleep(self._times.pause / 2)

    async def _two_looks(self) -> int:
        telling = self._telling
        earlier = telling.sight
        if time.monotonic() - earlier.begun > self._times.fresh:
            earlier = await telling.look()
        # Between the looks: the later one must have begun after all of this was so.
        own, parked = self._floor, self.told_parked
        later = await telling.look()
        self._mark = max(self._mark, pulses.watermark(earlier.pulses, later.pulses, telling.who, own, parked))
        return self._mark

    def seconds_behind(self) -> float:
        """How far behind readers of logs are kept by who owes something, or died and is not recovered; by the last
        look at the others."""
        lows = [pulse.low for pulse in self._telling.sight.pulses if pulse.low != PARKED]
        return self._clock.age(min(lows)) if lows else 0.0
