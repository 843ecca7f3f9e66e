"""How many workers there are where their number follows the load: between one and as many as there are slots.

What counts is the share of time in which the thread of a worker's event loop computed, or waited for a processor: 1 is
a worker that can do no more. One more comes quickly, since clients wait; one goes only when the others would still be
half idle without it, and after a while, so that a load that comes and goes keeps its workers.
"""

import time
from collections.abc import Callable
from pathlib import Path

from statordb.server.roster import MICRO, Roster, State

LOOK_SECONDS = 1.0  # between two looks, at least
GROW_SHARE = 0.8  # of what the workers can do, on average
GROW_LOOKS = 2  # in a row
SHRINK_SHARE = 0.5  # of what the workers that stay can do
SHRINK_SECONDS = 30.0

_NANO = 1_000_000_000


class Sizing:
    """Says which workers are wanted. To be called about every LOOK_SECONDS."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._looked_at: float | None = None
        self._loads: dict[int, int] = {}
        self._high = 0  # looks in a row
        self._low_since: float | None = None

    def look(self, now: float) -> None:
        """`now`: monotonic."""
        before, loads = self._looked_at, self._loads
        if before is not None and now - before < LOOK_SECONDS:
            return
        roster = self._roster
        wanted = [slot for slot in range(roster.workers) if roster.is_wanted(slot)]
        self._looked_at, self._loads = now, {slot: roster.load(slot) for slot in wanted}
        if before is None or any(roster.state(slot) is not State.READY for slot in wanted):
            self._high, self._low_since = 0, None  # until all are there nobody knows what they can do
            return
        passed = (now - before) * MICRO
        busy = sum(max(0, self._loads[slot] - loads.get(slot, self._loads[slot])) for slot in wanted) / passed
        self._grow(busy, len(wanted))
        self._shrink(busy, wanted, now)

    def _grow(self, busy: float, count: int) -> None:
        """`busy`: how many workers' time was used."""
        self._high = self._high + 1 if busy >= GROW_SHARE * count else 0
        roster = self._roster
        spare = [slot for slot in range(roster.workers) if not roster.is_wanted(slot)]
        if self._high >= GROW_LOOKS and spare:
            # One that is about to leave is there at once.
            roster.want(max(spare, key=lambda slot: (roster.state(slot) is State.READY, -slot)), True)
            self._high = 0

    def _shrink(self, busy: float, wanted: list[int], now: float) -> None:
        if len(wanted) == 1 or busy > SHRINK_SHARE * (len(wanted) - 1):
            self._low_since = None
        elif self._low_since is None:
            self._low_since = now
        elif now - self._low_since >= SHRINK_SECONDS:
            self._roster.want(wanted[-1], False)
            self._low_since = None


def demand(
    schedule: Path = Path("/proc/self/schedstat"), thread_seconds: Callable[[], float] = time.thread_time
) -> Callable[[], float]:
    """What gives the seconds in which the main thread of this process computed or waited for a processor; where the
    system does not tell that (it is Linux that does), those in which the calling thread computed."""

    def told() -> float:
        computed, waited = schedule.read_bytes().split()[:2]
        return (int(computed) + int(waited)) / _NANO

    try:
        known = told() > 0
    except (OSError, ValueError):
        known = False
    return told if known else thread_seconds
