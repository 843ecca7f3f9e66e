"""How long event loops stood, counted in one shared mapping as the other counters are.

A loop stands while one callback runs: nothing else is answered meanwhile. Two causes are told apart, since the one is
mended in this program and the other is not: `busy`, the loop's thread was computing for that time; `waiting`, it was
not run, because the machine was busy with something else, or it waited for the disk or a lock.
"""

import mmap
from typing import NamedTuple

STALL_SECONDS = 0.02  # what is shorter is no stall
BOUNDS_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
CAUSES = ("busy", "waiting")
MILLION = 1_000_000

_SUM = len(BOUNDS_SECONDS) + 1  # behind the buckets, whose last one has no bound
_BUSY = _SUM + 1
_CELLS = _BUSY + 1


class StallTotals(NamedTuple):
    """`buckets`: stalls by length, up to each of BOUNDS_SECONDS and above; `busy`: how many of them were computing."""

    buckets: list[int]
    seconds: float
    busy: int


class Stalls:
    """The mapping, with a place for each of `slots` processes; made before the fork."""

    def __init__(self, slots: int) -> None:
        self._cells = memoryview(mmap.mmap(-1, slots * _CELLS * 8)).cast("Q")

    def note(self, slot: int, seconds: float, busy: bool) -> None:
        """Count a stall of a process, by that process."""
        at = slot * _CELLS
        bucket = sum(seconds > bound for bound in BOUNDS_SECONDS)
        self._cells[at + bucket] += 1
        self._cells[at + _SUM] += int(seconds * MILLION)
        self._cells[at + _BUSY] += busy

    def totals(self, slot: int) -> StallTotals:
        cells = self._cells[slot * _CELLS : (slot + 1) * _CELLS].tolist()
        return StallTotals(cells[:_SUM], cells[_SUM] / MILLION, cells[_BUSY])
