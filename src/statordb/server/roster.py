"""Who runs, shared by all processes of a server: state, process id, connections, restarts and heartbeat of each.

A small shared mapping made before the fork. Each cell is written by one process: the process itself, or the supervisor
while that process is not alive; whether a worker is wanted is the supervisor's to say all the time.
"""

import mmap
import time
from collections.abc import Callable
from enum import IntEnum

from statordb.server.stalls import Stalls

CELLS = 8
STATE, PID, CONNECTIONS, RESTARTS, BEAT, HANGS, WANTED, LOAD = range(CELLS)
DECLINE_SECONDS_MAX = 0.05  # a worker that looks idle but does not accept may hang: then another takes the connection
SILENT_SECONDS_MAX = 5.0  # a process that has not told for so long that it goes on is not ready
MICRO = 1_000_000

Monotonic = Callable[[], float]
"""Seconds of a clock that never jumps, and that all processes of the machine share."""


class State(IntEnum):
    """What a process is doing."""

    ABSENT = 0
    STARTING = 1
    READY = 2


class Roster:
    """Slots 0 to workers - 1 are the workers; `keeper` is the keeper's; then come the lanes', then the console's."""

    def __init__(
        self,
        workers: int,
        monotonic: Monotonic = time.monotonic,
        lanes: int = 0,
        is_elastic: bool = False,
        has_console: bool = False,
    ) -> None:
        """`is_elastic`: how many of the workers are there follows their load; at first it is one."""
        self.workers = workers
        self.keeper = workers
        self.console = workers + 1 + lanes
        self.is_elastic = is_elastic
        self._monotonic = monotonic
        self._cells = memoryview(mmap.mmap(-1, (workers + 1 + lanes + has_console) * CELLS * 8)).cast("Q")
        self.stalls = Stalls(len(self.slots))
        for slot in range(1 if is_elastic else workers):
            self.want(slot, True)

    @property
    def slots(self) -> range:
        return range(len(self._cells) // CELLS)

    def name(self, slot: int) -> str:
        """What a process is called in metrics and in answers."""
        if slot < self.workers:
            return f"worker-{slot}"
        if slot == self.console:
            return "console"
        return "keeper" if slot == self.keeper else f"lane-{slot - self.keeper - 1}"

    def lane(self, index: int) -> int:
        """The slot of a lane."""
        return self.keeper + 1 + index

    def starting(self, slot: int) -> None:
        self._set(slot, State.STARTING, 0)

    def ready(self, slot: int, pid: int) -> None:
        self.beat(slot)
        self._set(slot, State.READY, pid)

    def gone(self, slot: int) -> None:
        self._set(slot, State.ABSENT, 0)

    def restarted(self, slot: int) -> None:
        self._cells[slot * CELLS + RESTARTS] += 1

    def beat(self, slot: int) -> None:
        """Tell that the process goes on."""
        self._cells[slot * CELLS + BEAT] = int(self._monotonic() * MICRO)

    def last_beat(self, slot: int) -> int:
        """When that was told last: a number that differs from one time to the next."""
        return self._cells[slot * CELLS + BEAT]

    def hung(self, slot: int) -> None:
        """Count a process that was ended because it did not go on."""
        self._cells[slot * CELLS + HANGS] += 1

    def hangs(self, slot: int) -> int:
        return self._cells[slot * CELLS + HANGS]

    def want(self, slot: int, wanted: bool) -> None:
        """Say whether a worker is to be there. One that is not wanted any more leaves when its clients have."""
        self._cells[slot * CELLS + WANTED] = wanted

    def is_wanted(self, slot: int) -> bool:
        return bool(self._cells[slot * CELLS + WANTED])

    def wanted(self) -> int:
        """How many workers are to be there."""
        return sum(self.is_wanted(slot) for slot in range(self.workers))

    def used(self, slot: int, seconds: float) -> None:
        """Tell how long the process has computed, or waited for a processor, so far."""
        self._cells[slot * CELLS + LOAD] = int(seconds * MICRO)

    def load(self, slot: int) -> int:
        """That, in microseconds."""
        return self._cells[slot * CELLS + LOAD]

    def silent(self) -> list[str]:
        """Names of the workers that are ready, but have not told for SILENT_SECONDS_MAX that they go on."""
        before = int((self._monotonic() - SILENT_SECONDS_MAX) * MICRO)
        return [
            self.name(slot)
            for slot in range(self.workers)
            if self.state(slot) is State.READY and self.last_beat(slot) < before
        ]

    def state(self, slot: int) -> State:
        return State(self._cells[slot * CELLS + STATE])

    def pid(self, slot: int) -> int:
        return self._cells[slot * CELLS + PID]

    def connections(self, slot: int) -> int:
        return self._cells[slot * CELLS + CONNECTIONS]

    def restarts(self, slot: int) -> int:
        return self._cells[slot * CELLS + RESTARTS]

    def all_ready(self) -> bool:
        """Whether all workers are that are wanted."""
        return all(self.state(slot) is State.READY for slot in range(self.workers) if self.is_wanted(slot))

    def any_ready(self, first: int = 0) -> bool:
        """Whether one of the workers from a slot on is."""
        return any(self.state(slot) is State.READY for slot in range(first, self.workers))

    def set_connections(self, slot: int, count: int) -> None:
        self._cells[slot * CELLS + CONNECTIONS] = count

    def least_connections(self) -> int:
        """Connections of the worker that has the fewest, among those that are ready and stay; 0 if none is."""
        cells = self._cells
        ready = (at for at in range(0, self.workers * CELLS, CELLS) if cells[at] == State.READY and cells[at + WANTED])
        return min((cells[at + CONNECTIONS] for at in ready), default=0)

    def surplus(self, slot: int) -> int:
        """How many connections a worker has beyond its share, where others came later; 0 for one that leaves."""
        ready = [each for each in range(self.workers) if self.is_wanted(each) and self.state(each) is State.READY]
        if slot not in ready:
            return 0
        share = -(-sum(map(self.connections, ready)) // len(ready))
        return max(0, self.connections(slot) - share)

    def _set(self, slot: int, state: State, pid: int) -> None:
        at = slot * CELLS
        self._cells[at + STATE] = state
        self._cells[at + PID] = pid
        self._cells[at + CONNECTIONS] = 0


class Balance:
    """Whether a worker should take the next connection, so that all have about as many."""

    def __init__(self, roster: Roster, slot: int, monotonic: Monotonic = time.monotonic) -> None:
        self._roster = roster
        self._slot = slot
        self._monotonic = monotonic
        self._declined_at: float | None = None

    def may_accept(self) -> bool:
        """False while another worker has fewer connections; True all the same when that one leaves it waiting. A worker
        that is not wanted takes none."""
        if not self._roster.is_wanted(self._slot):
            return False
        if self._roster.connections(self._slot) <= self._roster.least_connections():
            self._declined_at = None
            return True
        now = self._monotonic()
        if self._declined_at is None:
            self._declined_at = now
        if now - self._declined_at < DECLINE_SECONDS_MAX:
            return False
        self._declined_at = None
        return True
