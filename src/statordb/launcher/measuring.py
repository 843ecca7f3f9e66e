"""How much memory and disk a process of a function has, looked at as its user: others may not look into it."""

import contextlib
import os
import stat
from collections.abc import Iterable

FILES_BYTES_MAX = 512 * 1024 * 1024  # of an instance's files together; Lambda's /tmp has as much
ENTRIES_MAX = 100_000  # of its directory
LEVELS_MAX = 128  # of directories in directories
BLOCK_BYTES = 512  # of st_blocks, whatever the file system's own are
OPENED_MODE = 0o700


class _TooMany(Exception):
    """There are more entries, or levels, than may be."""


def memory_bytes(pids: Iterable[int]) -> int:
    """What the processes have in memory; pages that n processes share count 1/n for each."""
    return sum(map(_memory_of, pids))


def _memory_of(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/smaps_rollup") as rollup:
            for line in rollup:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    except PermissionError:  # another user's, or a program that is not to be looked into
        with contextlib.suppress(OSError), open(f"/proc/{pid}/status") as status:
            told = dict(line.split(":", 1) for line in status.read().splitlines() if ":" in line)
            if int(told["Uid"].split()[0]) == os.geteuid():
                return int(told["VmRSS"].split()[0]) * 1024
    except OSError:
        return 0  # it is gone
    return 0


def files_bytes(home: int, pids: Iterable[int]) -> int:
    """What the files of a directory take on the disk, and those that the processes have opened and that are in none.

    `home`: a descriptor. Beyond ENTRIES_MAX and LEVELS_MAX it is said to be more than FILES_BYTES_MAX.
    """
    tally = _Tally()
    try:
        os.chmod(f"/proc/self/fd/{home}", OPENED_MODE)
        opened = os.open(f"/proc/self/fd/{home}", os.O_RDONLY | os.O_DIRECTORY)
        tally.add_directory(opened, 0)
        os.close(opened)
        for pid in pids:
            tally.add_opened(pid)
    except _TooMany:
        return FILES_BYTES_MAX + 1
    return tally.total


class _Tally:
    def __init__(self) -> None:
        self.total = 0
        self._entries = 0
        self._seen: set[tuple[int, int]] = set()

    def add_directory(self, opened: int, level: int) -> None:
        if level > LEVELS_MAX:
            raise _TooMany
        for name in os.listdir(opened):
            self._entries += 1
            if self._entries > ENTRIES_MAX:
                raise _TooMany
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):  # it is gone again
                facts = os.lstat(name, dir_fd=opened)
                self._add(facts)
                if stat.S_ISDIR(facts.st_mode):
                    self._enter(name, opened, level, facts.st_mode)

    def _enter(self, name: str, within: int, level: int, mode: int) -> None:
        """What its owner has closed to itself is opened: files that were opened before may go on growing in it."""
        if mode & OPENED_MODE != OPENED_MODE:
            os.chmod(name, OPENED_MODE, dir_fd=within)
        opened = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=within)
        try:
            self.add_directory(opened, level + 1)
        finally:
            os.close(opened)

    def add_opened(self, pid: int) -> None:
        with contextlib.suppress(OSError):  # it is gone
            for name in os.listdir(f"/proc/{pid}/fd"):
                with contextlib.suppress(OSError):
                    facts = os.stat(f"/proc/{pid}/fd/{name}")
                    if stat.S_ISREG(facts.st_mode) and not facts.st_nlink:
                        self._add(facts)

    def _add(self, facts: os.stat_result) -> None:
        key = facts.st_dev, facts.st_ino
        if key not in self._seen:
            self._seen.add(key)
            self.total += facts.st_blocks * BLOCK_BYTES
