"""The epoch: a number in a small file that every process of a store has mapped, and what the last announcements named.

Announcements are counted, in the transaction of the update that makes one, so the numbers have no gap and are in the
order of commits. After the commit its writer puts the names into the slot of its number, then the number in front of
the file, unless a higher one stands there. Writers do that in any order, and one may be killed before it has:

* Whoever finds another number in front than before reads the slots from the last one that it knows on. A slot that does
  not have its announcement yet is taken for one of anything: it was committed before the number that was found, so
  whatever is read anew from now on has it.
* It goes on behind the number in front as long as there are slots: a higher number may have been written over.

Each number is put in front by one process, once. So a process that keeps what it read while number n stood there needs
no lock to learn that it is out of date.
"""

import mmap
import os
from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

import orjson

SLOTS = 256
SLOT_BYTES = 512
HEAD_BYTES = 64  # of the file: the number in front, and room
_SLOT_HEAD_BYTES = 24  # of a slot: number, length of the names, their checksum
_WORD = 8
_ANYTHING = (1 << 64) - 1  # in the place of a length
_MASK = (1 << 32) - 1


class Epoch:
    """The mapped file. `value[0]` reads the number in front without a system call; 8 aligned bytes are read and written
    whole."""

    __slots__ = ("_bytes", "value")

    def __init__(self, path: Path) -> None:
        """Map the file, made if it is not there; raises OSError."""
        size = HEAD_BYTES + SLOTS * SLOT_BYTES
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(descriptor, size)
            self._bytes = memoryview(mmap.mmap(descriptor, size))
        finally:
            os.close(descriptor)
        self.value = self._bytes.cast("Q")

    def clear(self, number: int) -> None:
        """Forget announcements from a number on, of a store that the file does not belong to: it is put back from a
        backup, or lost what was not made durable. To be called within a write transaction that will announce."""
        for slot in range(SLOTS):
            at = self._word(slot)
            if self.value[at] >= number:
                self.value[at] = 0
        if self.value[0] >= number:
            self.value[0] = 0

    def tell(self, number: int, names: Sequence[str] | None) -> None:
        """Tell all processes of a committed announcement. `names` None: of anything."""
        text = None if names is None else orjson.dumps(names)
        at = self._word(number)
        self.value[at] = 0
        if text is None or len(text) > SLOT_BYTES - _SLOT_HEAD_BYTES:
            self.value[at + 1] = _ANYTHING
        else:
            start = at * _WORD + _SLOT_HEAD_BYTES
            self._bytes[start : start + len(text)] = text
            self.value[at + 1] = len(text)
            self.value[at + 2] = crc32(text, number & _MASK)
        self.value[at] = number  # after what belongs to it
        if self.value[0] < number:
            self.value[0] = number

    def since(self, known: int) -> tuple[list[str] | None, int]:
        """The names of announcements behind a number, None for anything, and the number up to which that tells."""
        front = self.value[0]
        names: list[str] | None = []
        if front - known > SLOTS:
            names, known = None, front
        while True:
            told, named = self._read(known + 1)
            if not told and known >= front:
                return names, known
            known += 1
            if names is not None and named is not None:
                names += named
            else:
                names = None

    def _read(self, number: int) -> tuple[bool, list[str] | None]:
        """Whether the announcement of a number is there, and what it names (None: anything)."""
        at = self._word(number)
        if self.value[at] != number:
            return False, None
        length = self.value[at + 1]
        start = at * _WORD + _SLOT_HEAD_BYTES
        text = bytes(self._bytes[start : start + length]) if length <= SLOT_BYTES - _SLOT_HEAD_BYTES else None
        if text is not None and self.value[at + 2] != crc32(text, number & _MASK):
            text = None
        if self.value[at] != number:  # a later one took the slot meanwhile
            return False, None
        return True, None if text is None else orjson.loads(text)

    @staticmethod
    def _word(number: int) -> int:
        """Where the slot of a number begins, in words."""
        return (HEAD_BYTES + number % SLOTS * SLOT_BYTES) // _WORD
