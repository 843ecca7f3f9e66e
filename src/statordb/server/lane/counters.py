"""What workers count of the lanes, and lanes tell of themselves, in one shared mapping."""

import mmap
from collections.abc import Callable
from typing import NamedTuple

CELLS = 3
REQUESTS, REFUSED, WAITING = range(CELLS)


class LaneTotals(NamedTuple):
    """Requests handed over and refused since the start, and how many wait now; over all workers."""

    requests: int
    refused: int
    waiting: int


class LaneTallies:
    """The mapping, made before the fork."""

    def __init__(self, workers: int, lanes: int = 1) -> None:
        size = workers * CELLS
        cells = memoryview(mmap.mmap(-1, (size + lanes) * 8)).cast("Q")
        self._cells, self._busy = cells[:size], cells[size:]

    def set_busy(self, lane: int, busy: bool) -> None:
        """Tell whether a lane is answering a request."""
        self._busy[lane] = busy

    def is_busy(self, lane: int) -> bool:
        return bool(self._busy[lane])

    def of_worker(self, slot: int) -> "LaneCounters":
        counters = LaneCounters(self._cells[slot * CELLS : (slot + 1) * CELLS], self.is_busy)
        counters.set_waiting(0)  # what waited in the worker before this one waits no more
        return counters

    def totals(self) -> LaneTotals:
        return LaneTotals(*(sum(self._cells[cell::CELLS]) for cell in range(CELLS)))


class LaneCounters:
    """What one worker counts. `is_busy`: whether a lane answers a request, of whichever worker."""

    def __init__(self, cells: memoryview, is_busy: Callable[[int], bool]) -> None:
        self._cells = cells
        self.is_busy = is_busy

    def requested(self) -> None:
        self._cells[REQUESTS] += 1

    def refused(self) -> None:
        self._cells[REFUSED] += 1

    def set_waiting(self, count: int) -> None:
        self._cells[WAITING] = count
