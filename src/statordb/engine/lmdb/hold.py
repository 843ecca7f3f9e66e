"""The hold: rows that one update keeps for itself for a moment, after others have changed them under it too often.

A plan in a lane may take longer than its rows stand still, and it can't run within the write transaction. So when it
has come too late a few times, the writer that finds so notes its rows in shared memory, and until it has been applied,
or a moment has passed, updates of other processes and of this one that rely on one of them wait. There is one hold at a
time; it is written and read under the write lock only, but for its end by time.
"""

from collections.abc import Iterable
from time import monotonic_ns
from typing import NamedTuple
from zlib import crc32

ROWS_MAX = 256  # of one hold; the footprint of an update over 100 items has fewer, unless indexes are being built
SECONDS_MAX = 2.0
TICKET, UNTIL, COUNT, FIRST_ROW = range(4)
HOLD_WORDS = FIRST_ROW + ROWS_MAX


class Held(NamedTuple):
    """A hold that stands. `rows` are checksums of their keys: another row with the same one waits in vain, no more."""

    ticket: int
    rows: frozenset[int]


class Hold:
    """In `words` of 8 bytes that all processes have mapped."""

    __slots__ = ("_words",)

    def __init__(self, words: memoryview) -> None:
        assert len(words) >= HOLD_WORDS, "room for all rows"
        self._words = words

    def held(self) -> Held | None:
        """What is held now."""
        words = self._words
        ticket = words[TICKET]
        if not ticket or monotonic_ns() >= words[UNTIL]:
            return None
        return Held(ticket, frozenset(words[FIRST_ROW : FIRST_ROW + words[COUNT]]))

    def place(self, ticket: int, rows: Iterable[bytes], seconds: float) -> Held | None:
        """Hold rows for the update of a ticket, if nobody else holds any; what is held then."""
        words = self._words
        current = self.held()
        if current is not None and current.ticket != ticket:
            return current
        marks = {crc32(row) for row in rows}
        if len(marks) > ROWS_MAX:
            return current
        for at, mark in enumerate(marks, FIRST_ROW):
            words[at] = mark
        words[COUNT] = len(marks)
        words[UNTIL] = monotonic_ns() + int(min(seconds, SECONDS_MAX) * 1e9)
        words[TICKET] = ticket
        return self.held()

    def release(self, ticket: int) -> None:
        """The update of a ticket is done with its rows."""
        if self._words[TICKET] == ticket:
            self._words[TICKET] = 0
