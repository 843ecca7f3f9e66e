"""The entries that wait for the writer, and who is next.

Small ones go before large ones, and not together with what is large, which would keep them waiting for the disk; but a
turn that has passed over the large ones is followed by one that begins with one of them, once it may: see `pace.py`.
What comes to that one is taken along. Order between updates that wait together means nothing to anybody.
"""

from collections import deque
from collections.abc import Callable

from statordb.engine.contract import Overloaded
from statordb.engine.lmdb.entries import Entry
from statordb.engine.lmdb.pace import LARGE_TURN_BYTES_MIN

LARGE_BYTES_MIN = 12 << 10
TURN_BYTES_MAX = 512 << 10  # of rows and changes in one transaction, unless one update alone has more
ENTRIES_MAX = 16_384  # that wait at one time
BYTES_MAX = 128 << 20  # that they will write
LARGE_BYTES_MAX = 96 << 20  # the same of large ones: what is left has room for small ones, whatever comes in

LIGHT_ENTRIES_MAX = 8  # large ones, of less than a large turn each


class Waiting:
    """Put in by the event loop, taken out by whoever fills a turn: one at a time, perhaps in another thread."""

    __slots__ = (
        "_added", "_added_bytes", "_added_large_bytes", "_large", "_large_bytes_max", "_passed", "_rest", "_small",
        "_taken", "_taken_bytes", "_taken_large_bytes", "alone",
    )  # fmt: skip

    def __init__(self, rest: Callable[[], float] = float) -> None:
        """`rest`: seconds for which no large entry is to begin a turn."""
        self.alone: deque[Entry] = deque()  # each gets a transaction of its own, after one of them spoiled theirs
        self._rest = rest
        self._small: deque[Entry] = deque()
        self._large: deque[Entry] = deque()
        self._added = self._added_bytes = self._added_large_bytes = 0  # written by the event loop only
        self._taken = self._taken_bytes = self._taken_large_bytes = 0  # written by who fills only
        self._passed = False  # whether the last turn took no large one, though there was one
        self._large_bytes_max = 0  # in this turn, with what it has else, where a large entry is to join it

    def __bool__(self) -> bool:
        return bool(self._small or self._large or self.alone)

    def is_pressing(self) -> bool:
        """Whether something waits that goes at any time."""
        return bool(self._small or self.alone)

    def is_light(self) -> bool:
        """Whether all that waits may be written at once, and so quickly that nobody is held up."""
        large = self._large
        if self.alone or len(large) > LIGHT_ENTRIES_MAX:
            return False
        return not large or (all(entry.bytes < LARGE_TURN_BYTES_MIN for entry in large) and not self._rest())

    def pause(self) -> float:
        """Seconds for which all that waits has to; 0 where nothing waits, too."""
        return self._rest() if self._large and not self.is_pressing() else 0.0

    def add(self, entry: Entry) -> None:
        """Raises Overloaded."""
        size = entry.bytes
        if self._added - self._taken >= ENTRIES_MAX or self._added_bytes - self._taken_bytes + size > BYTES_MAX:
            raise Overloaded("too many updates wait")
        queue = self._small
        if is_large(entry):
            if self._added_large_bytes - self._taken_large_bytes + size > LARGE_BYTES_MAX:
                raise Overloaded("too many large updates wait")
            self._added_large_bytes += size
            queue = self._large
        self._added += 1
        self._added_bytes += size
        queue.append(entry)

    def first(self) -> Entry:
        """One that waits; there must be one."""
        return (self.alone or self._small or self._large)[0]

    def put_back(self, entry: Entry) -> None:
        """What was taken last and found no room is the next again."""
        self._taken -= 1
        self._taken_bytes -= entry.bytes
        if is_large(entry):
            self._taken_large_bytes -= entry.bytes
            self._large.appendleft(entry)
        else:
            self._small.appendleft(entry)

    def take(self, size: int, count: int) -> Entry | None:
        """The next one for a turn that has `count` already, of `size` bytes; None if it is complete."""
        if self.alone:
            return None if count else self.alone.popleft()  # counted as taken before
        entry = self._next(size, count)
        if entry is not None:
            self._taken += 1
            self._taken_bytes += entry.bytes
            if is_large(entry):
                self._taken_large_bytes += entry.bytes
        return entry

    def _next(self, size: int, count: int) -> Entry | None:
        large, small = self._large, self._small
        if not count:
            passed, self._passed = self._passed, bool(large)
            self._large_bytes_max = 0
            if large and not self._rest():
                if passed or not small:
                    self._passed = False
                    self._large_bytes_max = TURN_BYTES_MAX
                    return large.popleft()
                self._large_bytes_max = LARGE_TURN_BYTES_MIN
        if small:
            return small.popleft() if not count or size + small[0].bytes <= TURN_BYTES_MAX else None
        if large and size + large[0].bytes <= self._large_bytes_max:
            self._passed = False
            return large.popleft()
        return None


def is_large(entry: Entry) -> bool:
    """Whether an entry writes so much that others are to go before it."""
    return entry.bytes >= LARGE_BYTES_MIN
