"""Headroom: blocks that the file has ready behind its last page, so that a commit need not ask for them.

A commit that makes the file longer also has its file system write down the new length and where the blocks lie, and
waits for that: a flush takes half as long again. So the file is lengthened ahead, by zeros, a piece at a time.
"""

from __future__ import annotations  # lmdb's types take their parameter in annotations only

import os
from pathlib import Path

import lmdb

PIECE_BYTES = 256 << 10
LEFT_BYTES_MIN = 128 << 10  # less room than this, and the next piece is written


class Headroom:
    """Of one environment's file. `keep` is for whoever holds the write transaction."""

    def __init__(self, env: lmdb.Environment, file: Path) -> None:
        self._env = env
        self._file = os.open(file, os.O_WRONLY | os.O_CLOEXEC)
        self._page_bytes = env.stat()["psize"]
        self._zeros = bytes(PIECE_BYTES)
        self._size = 0  # of the file, as last seen: other processes make it longer too

    def keep(self) -> None:
        """Lengthen the file if little of it is free behind its last page.

        To be called within a write transaction, before its commit: nobody else writes pages then, and nothing of the
        environment lies behind the file's end. A full disk is for the commit to find.
        """
        facts = self._env.info()
        used = (facts["last_pgno"] + 1) * self._page_bytes
        if self._size - used >= LEFT_BYTES_MIN:
            return
        try:
            self._size = os.fstat(self._file).st_size
            if self._size - used < LEFT_BYTES_MIN and self._size + PIECE_BYTES <= facts["map_size"]:
                self._size += os.pwrite(self._file, self._zeros, self._size)
        except OSError:
            self._size = used + LEFT_BYTES_MIN  # not again until that much more is used

    def close(self) -> None:
        os.close(self._file)
