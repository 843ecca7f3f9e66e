"""The entries that wait for the writer, and who is next.

Small ones go before large ones, which would keep them waiting for the disk; but a turn that has passed over the large
ones is followed by one that begins with them. Order between updates that wait together means nothing to anybody.
"""

from collections import deque

from statordb.engine.contract import Overloaded
from statordb.engine.lmdb.entries import Entry

LARGE_BYTES_MIN = 32 << 10
ENTRIES_MAX = 16_384  # that wait at one time
BYTES_MAX = 128 << 20  # that they will write


class Waiting:
    """Put in by the event loop, taken out by whoever fills a turn: one at a time, perhaps in another thread."""

    __slots__ = ("_added", "_added_bytes", "_large", "_passed", "_small", "_taken", "_taken_bytes", "alone")

    def __init__(self) -> None:
        self.alone: deque[Entry] = deque()  # each gets a transaction of its own, after one of them spoiled theirs
        self._small: deque[Entry] = deque()
        self._large: deque[Entry] = deque()
        self._added = self._added_bytes = 0  # written by the event loop only
        self._taken = self._taken_bytes = 0  # written by who fills only
        self._passed = False  # whether the last turn took no large one, though there was one

    def __bool__(self) -> bool:
        return bool(self._small or self._large or self.alone)

    def add(self, entry: Entry) -> None:
        """Raises Overloaded."""
        size = entry.bytes
        if self._added - self._taken >= ENTRIES_MAX or self._added_bytes - self._taken_bytes + size > BYTES_MAX:
            raise Overloaded("too many updates wait")
        self._added += 1
        self._added_bytes += size
        (self._large if entry.bytes >= LARGE_BYTES_MIN else self._small).append(entry)

    def first(self) -> Entry:
        """One that waits; there must be one."""
        return (self.alone or self._small or self._large)[0]

    def put_back(self, entry: Entry) -> None:
        """What was taken last and found no room is the next again."""
        self._taken -= 1
        self._taken_bytes -= entry.bytes
        (self._large if entry.bytes >= LARGE_BYTES_MIN else self._small).appendleft(entry)

    def take(self, bytes_max: int, count: int) -> Entry | None:
        """The next one for a turn that has `count` already, of `bytes_max` at most but for the first."""
        if self.alone:
            return None if count else self.alone.popleft()  # counted as taken before
        entry = self._next(bytes_max, count)
        if entry is not None:
            self._taken += 1
            self._taken_bytes += entry.bytes
        return entry

    def _next(self, bytes_max: int, count: int) -> Entry | None:
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
