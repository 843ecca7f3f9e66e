"""An object of a directory while it is written: a file of no name that objects have, locked by its writer (flock).

What a writer leaves that dies has no lock any more. Where a file system does not share locks between machines, only its
age tells, so both must say that it is dead.
"""

import fcntl
import hashlib
import os
import time
from contextlib import suppress
from pathlib import Path
from threading import Lock

from statordb.objects.faults import bad_name
from statordb.objects.names import UNFINISHED

IDLE_SECONDS_MAX = 900.0  # from one write to the next of a writer that lives
RENAME_TRIES = 64  # a folder may be removed as empty by who deletes the last object in it
SWEPT_MAX = 10_000  # files at a time
DIRECTORY_MODE, FILE_MODE = 0o700, 0o600


class Unfinished:
    """Methods are for threads, one after another; `discard` may come at any time. All raise OSError."""

    def __init__(self, bucket: Path) -> None:
        self._bucket = bucket
        self._path = bucket / UNFINISHED / os.urandom(16).hex()
        self._lock = Lock()
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._fd = -1
        self._is_discarded = False
        self.size = 0

    def open(self) -> None:
        """The bucket's folder must be there."""
        with suppress(FileExistsError):
            self._path.parent.mkdir(DIRECTORY_MODE)
        with self._lock:
            if self._is_discarded:
                return
            self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
            with suppress(OSError):  # a file system without locks
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def write(self, block: bytes) -> None:
        self._md5.update(block)
        with self._lock:
            rest = memoryview(block)
            while rest and self._fd >= 0:
                rest = rest[os.write(self._fd, rest) :]
        self.size += len(block)

    def finish(self, name: str) -> bytes:
        """Give it its name, and return the MD5 digest; on the disk, with its folders. Raises BadName."""
        target = file_of(self._bucket, name)
        with self._lock:
            os.fsync(self._fd)
            for tries_left in reversed(range(RENAME_TRIES)):
                try:
                    _make_folders(self._bucket, target.parent)
                    self._path.rename(target)
                    break
                except FileNotFoundError:
                    if not tries_left:
                        raise
            with suppress(FileNotFoundError):  # somebody has deleted it, and the folder with it
                sync_directory(target.parent)
            self._close()
        return self._md5.digest()

    def discard(self) -> None:
        """Leave nothing, unless it has its name."""
        with self._lock, suppress(OSError):
            self._is_discarded = True
            if self._fd >= 0:
                self._close()
                self._path.unlink()

    def _close(self) -> None:
        os.close(self._fd)
        self._fd = -1


def sweep(bucket: Path, idle_seconds_max: float = IDLE_SECONDS_MAX) -> int:
    """Remove what dead writers left; how many there were. Raises OSError."""
    swept = 0
    try:
        found = os.scandir(bucket / UNFINISHED)
    except FileNotFoundError:
        return 0
    with found:
        for entry in found:
            with suppress(OSError):  # finished, or swept by another
                swept += _sweep(entry.path, idle_seconds_max)
            if swept >= SWEPT_MAX:
                break
    return swept


def _sweep(path: str, idle_seconds_max: float) -> bool:
    fd = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if time.time() - os.fstat(fd).st_mtime < idle_seconds_max:
            return False
        with suppress(BlockingIOError):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(path)
            return True
        return False
    finally:
        os.close(fd)


def file_of(bucket: Path, name: str) -> Path:
    """Where an object is. Raises BadName where a link leads there."""
    folder = os.path.dirname(os.path.join(os.path.realpath(bucket), name))
    if os.path.realpath(folder) != folder:
        raise bad_name("has a part that is a link here, and links are not followed")
    return bucket / name


def sync_directory(path: Path) -> None:
    """Have the names in a directory on the disk. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _make_folders(bucket: Path, folder: Path) -> None:
    """Those that are not there, below the bucket's."""
    missing = []
    while folder != bucket and not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        with suppress(FileExistsError):
            each.mkdir(DIRECTORY_MODE)
        sync_directory(each.parent)
