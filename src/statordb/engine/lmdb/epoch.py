"""The epoch: one number in a small file that every process of a store has mapped.

Each store into it writes a number that was never written before, the id of a committed transaction. So a process that
kept what it had read under number n needs no lock to learn that it is out of date: while no announced update has been
acknowledged since, the number is n, and afterwards it can never be n again, in whichever order writers come.
"""

import mmap
import os
from pathlib import Path

EPOCH_BYTES = 8


class Epoch:
    """The mapped number. `value[0]` reads it without a system call; 8 aligned bytes are read and written whole."""

    __slots__ = ("value",)

    def __init__(self, path: Path) -> None:
        """Map the file, made if it is not there; raises OSError."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(descriptor, EPOCH_BYTES)
            mapped = mmap.mmap(descriptor, EPOCH_BYTES)
        finally:
            os.close(descriptor)
        self.value = memoryview(mapped).cast("Q")

    def store(self, transaction: int) -> None:
        """Tell all processes of a committed transaction."""
        self.value[0] = transaction
