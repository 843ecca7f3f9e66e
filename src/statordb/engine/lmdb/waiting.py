"""The entries that wait for the writer, and who is next.

Small ones go before large ones, which would keep them waiting for the disk; but a turn that has passed over the large
ones is followed by one that begins with them. Order between updates that wait together means nothing to anybody.
"""

from collections import deque

from statordb.engine.lmdb.entries import Entry

LARGE_BYTES_MIN = 32 << 10


class Waiting:
    """Put in by the event loop, taken out by whoever fills a turn: one at a time, perhaps in another thread."""

    __slots__ = ("_large", "_passed", "_small", "alone")

    def __init__(self) -> None:
        self.alone: deque[Entry] = deque()  # each gets a transaction of its own, after one of them spoiled theirs
        self._small: deque[Entry] = deque()
        self._large: deque[Entry] = deque()
        self._passed = False  # whether the last turn took no large one, though there was one

    def __bool__(self) -> bool:
        return bool(self._small or self._large or self.alone)

    def add(self, entry: Entry) -> None:
        (self._large if entry.bytes >= LARGE_BYTES_MIN else self._small).append(entry)

    def first(self) -> Entry:
        """One that waits; there must be one."""
        return (self.alone or self._small or self._large)[0]

    def put_back(self, entry: Entry) -> None:
        """What was taken last and found no room is the next again."""
        (self._large if entry.bytes >= LARGE_BYTES_MIN else self._small).appendleft(entry)

    def take(self, bytes_max: int, count: int) -> Entry | None:
        """The next one for a turn that has `count` already, of `bytes_max` at most but for the first."""
        if self.alone:
            return None if count else self.alone.popleft()
        large, small = self._large, self._small
        if not count:
            passed, self._passed = self._passed, bool(large)
            if large and (passed or not small):
                self._passed = False
                return large.popleft()
        if small:
            return small.popleft() if not count or small[0].bytes <= bytes_max else None
        if large and (not count or large[0].bytes <= bytes_max):
            self._passed = False
            return large.popleft()
        return None
