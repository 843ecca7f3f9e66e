"""A process tells that its event loop goes on, and measures where it did not.

The beat is a timer of the loop: how late it comes is how long one callback, or the machine, kept everything else
waiting. It beats often while there is work, so that every stall is seen, and seldom while there is none, so that an
idle server sleeps.
"""

import asyncio
import time
from collections.abc import Callable

from statordb.server.roster import Roster
from statordb.server.stalls import STALL_SECONDS

BUSY_BEAT_SECONDS = 0.005  # a stall is measured too short by up to this
IDLE_BEAT_SECONDS = 0.25
TELL_SECONDS = 0.2  # between two times that the load is told
BUSY_SHARE = 0.02  # of the time between two beats that the loop's thread computed: there is work from here on


class Heartbeat:
    """Beats for the process of `slot`, in the running loop, from `start` to `stop`.

    `thread_seconds`: processor time of the calling thread; `demand`: gives what the roster is to be told as its load;
    None: nobody asks.
    """

    def __init__(
        self,
        roster: Roster,
        slot: int,
        monotonic: Callable[[], float] = time.monotonic,
        thread_seconds: Callable[[], float] = time.thread_time,
        demand: Callable[[], float] | None = None,
    ) -> None:
        self._roster = roster
        self._slot = slot
        self._monotonic = monotonic
        self._thread_seconds = thread_seconds
        self._demand = demand
        self._told_at = 0.0
        self._used = 0.0
        self._pause = IDLE_BEAT_SECONDS
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._used = self._thread_seconds()
        self._next(BUSY_BEAT_SECONDS)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _next(self, pause: float) -> None:
        self._pause = pause
        self._due = self._monotonic() + pause
        self._timer = asyncio.get_running_loop().call_later(pause, self.beat)

    def beat(self) -> None:
        """Tell that the loop goes on, count the stall if there was one, and come again."""
        self._roster.beat(self._slot)
        self._tell()
        used, self._used = self._used, self._thread_seconds()
        computed = self._used - used
        late = self._monotonic() - self._due
        if late >= STALL_SECONDS:
            self._roster.stalls.note(self._slot, late, busy=computed >= STALL_SECONDS)
        self._next(BUSY_BEAT_SECONDS if computed >= BUSY_SHARE * self._pause else IDLE_BEAT_SECONDS)

    def _tell(self) -> None:
        if self._demand is not None and self._monotonic() - self._told_at >= TELL_SECONDS:
            self._told_at = self._monotonic()
            self._roster.used(self._slot, self._demand())
