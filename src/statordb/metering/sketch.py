"""Which keys come most often, told with a bounded number of counters.

The space-saving algorithm: "Efficient Computation of Frequent and Top-k Elements in Data Streams" (ICDT 2005). A key
that has no counter takes that of the least one, with its count, which is how much too high its own may be.
"""

from typing import NamedTuple

COUNTERS_MAX = 100

Key = tuple[str, ...]


class Counted(NamedTuple):
    """`times`: how often a key came, at most; it came so often at least, less `error`."""

    times: int
    error: int


class Sketch:
    """`total`: how often any key came."""

    __slots__ = ("counts", "errors", "total")

    def __init__(self) -> None:
        self.counts: dict[Key, int] = {}
        self.errors: dict[Key, int] = {}
        self.total = 0

    def add(self, key: Key, times: int = 1) -> None:
        self.total += times
        counts = self.counts
        known = counts.get(key)
        if known is not None:
            counts[key] = known + times
        elif len(counts) < COUNTERS_MAX:
            counts[key] = times
        else:
            least = min(counts, key=counts.__getitem__)
            count = counts.pop(least)
            self.errors.pop(least, None)
            counts[key] = count + times
            self.errors[key] = count

    def told(self) -> list[tuple[Key, Counted]]:
        """The keys, the most frequent first."""
        found = [(key, Counted(count, self.errors.get(key, 0))) for key, count in self.counts.items()]
        return sorted(found, key=lambda each: -each[1].times)
