"""Which processes write to a store, and what each is at: cells in a small file that every one of them has mapped.

LMDB's write lock lies in shared memory, and does not tell who has it. So each process says in a cell of its own when it
asks for the lock, has it, and lets go of it. Nobody writes another's cell but to take over that of a dead process.
"""

import mmap
import os
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path
from time import monotonic_ns
from typing import NamedTuple

from statordb.engine.lmdb.hold import HOLD_WORDS, Hold
from statordb.engine.lmdb.pace import PACE_WORDS, Pace

WRITERS_MAX = 128  # processes that have a store open to write at one time
WORD_BYTES = 8
CELL_WORDS = 4  # pid, when the process started, phase, since when: CLOCK_MONOTONIC in nanoseconds
FIRST_CELL = 1  # word 0 is the number of cells that were ever taken
HOLD_AT = FIRST_CELL + WRITERS_MAX * CELL_WORDS
PACE_AT = HOLD_AT + HOLD_WORDS
FILE_BYTES = (PACE_AT + PACE_WORDS) * WORD_BYTES
PID, STARTED, PHASE, SINCE = range(CELL_WORDS)


class Phase(IntEnum):
    """What a process's writer is at."""

    IDLE = 0
    WANTS = 1  # it waits for the lock, or has just got it
    FILLS = 2
    COMMITS = 3


_WANTS = int(Phase.WANTS)  # a member of an enum takes longer to find than the rest of the comparison


class Process(NamedTuple):
    """One of the processes, as its cell tells. `started` is in clock ticks since the machine's start."""

    pid: int
    started: int
    phase: int
    since: int

    def stat(self) -> str | None:
        """The kernel's letter for its state; None if it is gone."""
        found = process_stat(self.pid)
        return None if found is None or found[1] != self.started else found[0]


class TooManyWriters(Exception):
    """All cells are taken by processes that live."""


class Writers:
    """The cells. `phase` tells the others of this process; see `Phase`."""

    __slots__ = ("_at", "_words", "hold", "pace")

    def __init__(self, path: Path) -> None:
        """Map the file, made if it is not there, and take a cell. One process at a time may do so.

        Raises OSError, TooManyWriters.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(descriptor).st_size < FILE_BYTES:
                os.ftruncate(descriptor, FILE_BYTES)
            mapped = mmap.mmap(descriptor, FILE_BYTES)
        finally:
            os.close(descriptor)
        self._words = memoryview(mapped).cast("Q")
        self._at = self._take()
        self.hold = Hold(self._words[HOLD_AT:])
        self.pace = Pace(self._words[PACE_AT:])

    def _take(self) -> int:
        words = self._words
        own = process_stat(os.getpid())
        assert own is not None, "this process runs"
        for index in range(WRITERS_MAX):
            at = FIRST_CELL + index * CELL_WORDS
            process = self._process(at)
            if process.pid and process.stat() is not None:
                continue
            words[at + PHASE] = Phase.IDLE
            words[at + SINCE] = monotonic_ns()
            words[at + STARTED] = own[1]
            words[at + PID] = os.getpid()
            words[0] = max(words[0], index + 1)
            return at
        raise TooManyWriters

    def leave(self) -> None:
        """This process writes no more."""
        self._words[self._at + PID] = 0
        self.phase(Phase.IDLE)

    def phase(self, phase: Phase) -> None:
        words, at = self._words, self._at
        words[at + SINCE] = monotonic_ns()
        words[at + PHASE] = phase

    def is_wanted(self) -> bool:
        """Whether another process waits for the lock."""
        words, own = self._words, self._at
        for at in range(FIRST_CELL, FIRST_CELL + words[0] * CELL_WORDS, CELL_WORDS):
            if words[at + PHASE] == _WANTS and at != own and words[at + PID]:
                return True
        return False

    @property
    def own(self) -> Process:
        return self._process(self._at)

    def others(self) -> Iterator[Process]:
        """The other processes that are not idle."""
        words, own = self._words, self._at
        for at in range(FIRST_CELL, FIRST_CELL + words[0] * CELL_WORDS, CELL_WORDS):
            if at != own and words[at + PHASE] and words[at + PID]:
                yield self._process(at)

    def _process(self, at: int) -> Process:
        return Process(*self._words[at : at + CELL_WORDS])


def process_stat(pid: int) -> tuple[str, int] | None:
    """State letter and start time (clock ticks since the machine's start) of a process; None if there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text[text.rindex(b")") + 2 :].split()  # the name before may hold anything
    state = fields[0].decode()
    return None if state in "ZXx" else (state, int(fields[19]))
