"""The latch: what all writers of a store in memory take before LMDB's write lock.

LMDB has no way to take its lock only if that is free, and an event loop must not wait for it. So where commits wait for
no disk, and loops write by themselves, everybody takes this one first, which can be tried. The kernel lets go of it
when its holder dies.
"""

import fcntl
import os
from pathlib import Path


class Latch:
    """One process's handle: of its threads, one at a time may use it."""

    __slots__ = ("_file",)

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def take(self) -> None:
        """Wait for it."""
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def try_take(self) -> bool:
        """Take it if it is free."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def let_go(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """May be called again."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)
