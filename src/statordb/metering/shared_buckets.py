"""Token buckets that all processes of a server share, in one mapping that is made before the fork.

A slot is one bucket. Its level is not stored, but follows from cells that each have one writer, so nothing is lost
where two processes spend at a time:

    level = (now - base) * rate - everything that was spent - what other servers spend meanwhile

Each process adds up what it spends in a cell of its own. The base is moved on where the level would be above the
bucket's capacity, which whoever looks does alike. Slots are claimed under a lock that ends with its holder.

A slot: key, version | rate, capacity, base, when it was claimed, last look, rate and beginning of what others are
believed to spend | for each process: units spent, units refused. All cells have 8 bytes. The last process is the
keeper, which notes what other servers have spent.
"""

import fcntl
import mmap
import os
import tempfile
from collections.abc import Callable, Iterator
from typing import IO, NamedTuple

SLOTS = 16_384  # buckets that may be in use at a time, of all tables, indexes and hot keys
PROBES = 16  # places where a bucket may be
IDLE_SECONDS = 600.0  # after which a bucket's slot may be another's: it is full by then
FULL_SECONDS = 5.0  # after which it may be if it is full already: nothing is lost, as a bucket begins full
FORESEEN_SECONDS_MAX = 3.0  # for how long others are believed to go on as they were seen
ALONE_SECONDS = 1.0  # for which a process that found no room goes on with a bucket of its own before it looks again

KEY, VERSION, RATE, CAPACITY, BASE, BORN, LOOKED, OTHERS_RATE, OTHERS_SINCE, HEADER = range(10)
_PER_PROCESS = 2
_NOBODY = 0
_MASK = (1 << 64) - 1

Monotonic = Callable[[], float]
"""Seconds of a clock that never jumps, and that all processes of the machine share."""


class Terms(NamedTuple):
    """What a bucket is: units a second, units at most, and a number that grows with every change of these."""

    rate: float
    capacity: float
    version: int


class Use(NamedTuple):
    """What a bucket's processes have come to since it was made. `foreseen`: units that other servers are believed to
    have spent since they told; `age`: seconds since it was made."""

    slot: int
    key: int
    rate: float
    level: float
    spent: float
    refused: float
    foreseen: float
    age: float


class SharedBuckets:
    """The mapping. `processes`: how many may spend, beside the keeper. `secret`: 64 bits that nobody outside knows, so
    that nobody can choose names whose buckets get into the way of another's."""

    def __init__(self, processes: int, secret: int, slots: int = SLOTS) -> None:
        self.processes = processes
        self.stride = HEADER + _PER_PROCESS * (processes + 1)
        self.slots = slots
        self._factor = secret | 1
        memory = memoryview(mmap.mmap(-1, slots * self.stride * 8))
        self.numbers = memory.cast("Q")
        self.cells = memory.cast("d")
        self._lock = _lock_file()

    def of_process(self, process: int, monotonic: Monotonic) -> "ProcessBuckets":
        """What a process does with them."""
        return ProcessBuckets(self, process, monotonic)

    def claim(self, key: int, now: float) -> int | None:
        """Where the cells of a bucket begin; None where there is no room, or somebody else is claiming."""
        found = self._find(key)
        if found is not None:
            return found
        try:
            fcntl.lockf(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # it may have been stopped just there: nobody waits for it
            return None
        try:
            found = self._find(key)
            return self._take(key, now) if found is None else found
        finally:
            fcntl.lockf(self._lock, fcntl.LOCK_UN)

    def _places(self, key: int) -> Iterator[int]:
        first = (key * self._factor & _MASK) >> 32
        return ((first + probe) % self.slots * self.stride for probe in range(PROBES))

    def _find(self, key: int) -> int | None:
        numbers = self.numbers
        return next((at for at in self._places(key) if numbers[at + KEY] == key), None)

    def _take(self, key: int, now: float) -> int | None:
        numbers, cells = self.numbers, self.cells
        for at in self._places(key):
            if numbers[at + KEY] == _NOBODY or self._is_idle(at, now):
                numbers[at + KEY] = _NOBODY
                numbers[at + VERSION] = 0
                for cell in range(at + RATE, at + self.stride):
                    cells[cell] = 0.0
                cells[at + BORN] = cells[at + LOOKED] = now
                numbers[at + KEY] = key
                return at
        return None

    def _is_idle(self, at: int, now: float) -> bool:
        unseen = now - self.cells[at + LOOKED]
        return unseen > IDLE_SECONDS or (unseen > FULL_SECONDS and self.level(at, now) >= self.cells[at + CAPACITY])

    def spent(self, at: int) -> float:
        """What all processes, and other servers, have spent of a bucket."""
        return sum(self.cells[at + HEADER : at + self.stride : _PER_PROCESS])

    def others_spend(self, at: int, now: float) -> float:
        """What other servers are believed to have spent since they told."""
        rate = self.cells[at + OTHERS_RATE]
        return rate * min(now - self.cells[at + OTHERS_SINCE], FORESEEN_SECONDS_MAX) if rate else 0.0

    def level(self, at: int, now: float) -> float:
        """Units that a bucket has."""
        cells = self.cells
        return (now - cells[at + BASE]) * cells[at + RATE] - self.spent(at) - self.others_spend(at, now)

    def set_level(self, at: int, level: float, now: float) -> None:
        cells = self.cells
        cells[at + BASE] = now - (level + self.spent(at) + self.others_spend(at, now)) / cells[at + RATE]

    def uses(self, now: float, seconds: float) -> list[Use]:
        """The buckets that were looked at within the last seconds."""
        found = []
        since = now - seconds
        looked = self.cells[LOOKED :: self.stride].tolist()
        for slot in [slot for slot, at in enumerate(looked) if at >= since]:
            at = slot * self.stride
            key = self.numbers[at + KEY]
            if key == _NOBODY or not self.cells[at + RATE]:
                continue
            spent = self.cells[at + HEADER : at + self.stride - _PER_PROCESS : _PER_PROCESS]
            refused = self.cells[at + HEADER + 1 : at + self.stride - _PER_PROCESS : _PER_PROCESS]
            level = min(self.level(at, now), self.cells[at + CAPACITY])
            age = now - self.cells[at + BORN]
            foreseen = self.others_spend(at, now)
            rate = self.cells[at + RATE]
            found.append(Use(slot, key, rate, level, sum(spent), sum(refused), foreseen, age))
        return found

    def note_others(self, use: Use, spent: float, rate: float, since: float) -> None:
        """Units that other servers have spent on top of what was known, and how many a second they go on to spend."""
        at = use.slot * self.stride
        if self.numbers[at + KEY] != use.key:
            return
        cells = self.cells
        cells[at + self.stride - _PER_PROCESS] += spent
        cells[at + OTHERS_RATE] = rate
        cells[at + OTHERS_SINCE] = since


def _lock_file() -> IO[bytes]:
    """A file without a name, to lock: in memory where the system has that, as no directory may be written to."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("statordb-buckets"), "w+b")
    return tempfile.TemporaryFile()


class ProcessBuckets:
    """The shared buckets as one process uses them."""

    def __init__(self, shared: SharedBuckets, process: int, monotonic: Monotonic) -> None:
        self.shared = shared
        self.process = process
        self.monotonic = monotonic

    def bucket(self, key: int, terms: Terms) -> "Bucket":
        return Bucket(self, key, terms)


class Bucket:
    """One bucket. `left`: units that may be spent before it is looked at again; what is spent is taken off, and may be
    more than there is (a debt). `terms` may be set anew: the level stays."""

    __slots__ = ("_alone", "_at", "_granted", "_home", "key", "left", "terms")

    def __init__(self, home: ProcessBuckets, key: int, terms: Terms) -> None:
        self._home = home
        self.key = key or 1
        self._at: int | None = None
        self._alone: Alone | None = None
        self._granted = self.left = 0.0
        self.terms = terms

    def renew(self, most: float) -> float:
        """Account for what was spent; the bucket's level. Of a level above 0, `left` becomes a part that all processes
        may have at a time, at most `most` units; else 0."""
        home = self._home
        shared, now = home.shared, home.monotonic()
        spent, self._granted, self.left = self._granted - self.left, 0.0, 0.0
        at = self._place(now)
        if at is None:
            assert self._alone is not None
            level = self._alone.level(self.terms, shared.processes, spent, now)
        else:
            level = self._level(at, spent, now)
        if level > 0:
            self._granted = self.left = min(level / (2 * shared.processes), most)
        return level

    def _level(self, at: int, spent: float, now: float) -> float:
        home = self._home
        shared = home.shared
        cells = shared.cells
        if spent:
            cells[at + HEADER + _PER_PROCESS * home.process] += spent
        cells[at + LOOKED] = now
        level = shared.level(at, now)
        capacity = cells[at + CAPACITY]
        if level <= capacity:
            return level
        if shared.numbers[at + VERSION] == self.terms.version:
            cells[at + BASE] += (level - capacity) / cells[at + RATE]
        return capacity

    def spent(self) -> float:
        """Units since the last look."""
        return self._granted - self.left

    def refuse(self, units: float) -> None:
        """Count what was refused, for the shares of servers."""
        home = self._home
        at = self._place(home.monotonic())
        if at is not None:
            home.shared.cells[at + HEADER + _PER_PROCESS * home.process + 1] += units

    def _place(self, now: float) -> int | None:
        """Where its cells are; None while there is no room for it."""
        at, shared = self._at, self._home.shared
        if at is None or shared.numbers[at + KEY] != self.key:
            if self._alone is not None and now < self._alone.until:
                return None
            at = self._at = shared.claim(self.key, now)
            if at is None:
                self._alone = Alone(self.terms, shared.processes, now)
                return None
            self._alone = None
        if shared.numbers[at + VERSION] < self.terms.version:
            self._set_terms(at, now)
        return at

    def _set_terms(self, at: int, now: float) -> None:
        """A bucket begins full, and keeps its level when its terms change."""
        shared, (rate, capacity, version) = self._home.shared, self.terms
        level = min(shared.level(at, now), capacity) if shared.numbers[at + VERSION] else capacity
        shared.numbers[at + VERSION] = 0  # nobody moves the base meanwhile
        shared.cells[at + RATE], shared.cells[at + CAPACITY] = rate, capacity
        shared.set_level(at, level, now)
        shared.numbers[at + VERSION] = version


class Alone:
    """A process's own share of a bucket that there is no room for, without a burst."""

    __slots__ = ("_level", "_seen", "until")

    def __init__(self, terms: Terms, processes: int, now: float) -> None:
        self.until = now + ALONE_SECONDS
        self._level = terms.rate / processes
        self._seen = now

    def level(self, terms: Terms, processes: int, spent: float, now: float) -> float:
        share = terms.rate / processes
        self._level = min(share, self._level + (now - self._seen) * share) - spent
        self._seen = now
        return self._level
