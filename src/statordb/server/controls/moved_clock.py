"""A clock that can be moved for all processes of a server."""

import mmap
import time
from collections.abc import Callable

SECONDS, MOVES, SEEN = range(3)


class MovedClock:
    """The machine's clocks, and how far ahead of them the server's are: a mapping that is made before the fork.

    seconds  how far ahead.
    moves    how often it was moved, and `seen`: up to which move the keeper has done what was due.
    """

    def __init__(self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        memory = memoryview(mmap.mmap(-1, 3 * 8))
        self._seconds = memory.cast("d")
        self._counts = memory.cast("Q")
        self._wall = wall
        self._monotonic = monotonic

    @property
    def seconds(self) -> float:
        return self._seconds[SECONDS]

    @property
    def moves(self) -> int:
        return self._counts[MOVES]

    @property
    def seen(self) -> int:
        return self._counts[SEEN]

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._wall() + self._seconds[SECONDS]

    def monotonic(self) -> float:
        """Seconds, for what comes back with time."""
        return self._monotonic() + self._seconds[SECONDS]

    def move(self, seconds: float) -> int:
        """Be so far ahead from now on; the number of this move. One caller at a time."""
        self._seconds[SECONDS] = seconds
        self._counts[MOVES] += 1
        return self._counts[MOVES]

    def see(self, move: int) -> None:
        """What was due at a move is done."""
        self._counts[SEEN] = move
