"""The pace of large turns, over all processes: behind each of them small ones have twice as long for themselves.

While a turn of half a megabyte is filled and committed, everybody else's updates wait for as long as the disk takes for
it, some milliseconds; for a transaction of 4 MB it takes some tens. One after the other, from several processes, they
would leave a small update little more than a place between two of them. So no large turn begins for twice as long as
the last one took, unless nobody writes small updates anyway.
"""

from collections.abc import Callable
from time import monotonic_ns

LARGE_TURN_BYTES_MIN = 128 << 10  # what takes the disk notably longer than a single page does
RESTED_SECONDS_MIN = 0.001  # a turn that took less holds nobody up
REST_TIMES = 2
REST_SECONDS_MAX = 0.1
SMALL_NANOSECONDS = 50_000_000  # behind a small update, in which others are expected
LARGE_UNTIL, SMALL_AT = range(2)
PACE_WORDS = 2


class Pace:
    """In `words` of 8 bytes that all processes have mapped. Who writes them has the write lock, or has just had it."""

    __slots__ = ("_now", "_words")

    def __init__(self, words: memoryview, now: Callable[[], int] = monotonic_ns) -> None:
        """`now`: nanoseconds of a clock that all processes share."""
        assert len(words) >= PACE_WORDS, "room for both times"
        self._words = words
        self._now = now

    def done(self, size: int, seconds: float, has_small: bool) -> None:
        """A turn of so many bytes kept the others out for so long; `has_small`: small updates were in it."""
        words = self._words
        if has_small:
            words[SMALL_AT] = self._now()
        if size >= LARGE_TURN_BYTES_MIN and seconds >= RESTED_SECONDS_MIN:
            words[LARGE_UNTIL] = self._now() + int(min(REST_TIMES * seconds, REST_SECONDS_MAX) * 1e9)

    def rest(self) -> float:
        """Seconds for which no large turn is to begin; 0: one may."""
        words = self._words
        until: int = min(words[LARGE_UNTIL], words[SMALL_AT] + SMALL_NANOSECONDS)
        return max(0, until - self._now()) / 1e9
