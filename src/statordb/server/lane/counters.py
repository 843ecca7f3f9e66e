"""What the workers count of the lanes, in one shared mapping."""

import mmap
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

    def __init__(self, workers: int) -> None:
        self._cells = memoryview(mmap.mmap(-1, workers * CELLS * 8)).cast("Q")

    def of_worker(self, slot: int) -> "LaneCounters":
        counters = LaneCounters(self._cells[slot * CELLS : (slot + 1) * CELLS])
        counters.set_waiting(0)  # what waited in the worker before this one waits no more
        return counters

    def totals(self) -> LaneTotals:
        return LaneTotals(*(sum(self._cells[cell::CELLS]) for cell in range(CELLS)))


class LaneCounters:
    """What one worker counts."""

    def __init__(self, cells: memoryview) -> None:
        self._cells = cells

    def requested(self) -> None:
        self._cells[REQUESTS] += 1

    def refused(self) -> None:
        self._cells[REFUSED] += 1

    def set_waiting(self, count: int) -> None:
        self._cells[WAITING] = count
