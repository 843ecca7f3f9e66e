"""What the kernel knows of processes, as far as /proc tells: when one began, what is in a session, how big it is.

On systems without /proc nothing is found, so that nothing is measured and only process groups can be ended.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
ROUNDS_MAX = 20  # of looking for the members of a session that fork faster than they are killed
ROUND_SECONDS = 0.01


def began_at(pid: int) -> int | None:
    """When the process began, in clock ticks since boot; with the pid it names one process of one boot."""
    fields = _stat(pid)
    return None if fields is None else int(fields[19])


def children(pid: int) -> list[int]:
    """The living and dead children of a process."""
    found: list[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as listed:
                found += map(int, listed.read().split())
    except (FileNotFoundError, ProcessLookupError):
        return found
    return found


def descendants(pid: int) -> list[int]:
    """The process and all below it, as long as their parents live."""
    found = [pid]
    for parent in found:
        found += children(parent)
    return found


def resident_bytes(pid: int) -> int:
    """What of the process is in memory, with what it shares; 0 for one that is gone."""
    try:
        with open(f"/proc/{pid}/statm") as statm:
            return int(statm.read().split()[1]) * PAGE_BYTES
    except (FileNotFoundError, ProcessLookupError):
        return 0


def proportional_bytes(pid: int) -> int:
    """As resident_bytes, but pages that n processes share count 1/n for each. Takes the kernel much longer."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as rollup:
            for line in rollup:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    except (FileNotFoundError, ProcessLookupError):
        return 0
    except PermissionError:  # another user's
        return resident_bytes(pid)
    return 0


def by_session() -> dict[int, list[int]]:
    """The processes of every session. Blocks some milliseconds."""
    found: dict[int, list[int]] = {}
    for pid in _all():
        fields = _stat(pid)
        if fields is not None and fields[0] not in "ZX":
            found.setdefault(int(fields[3]), []).append(pid)
    return found


def end_all(session: int | None, mark: str) -> None:
    """Kill every process of the session, and every process, wherever it went, that has `mark` in its environment.

    `session`: one that is known to be the function's own, since its first process is there or not yet reaped: later
    the number may be given to a stranger's. Blocks some milliseconds, longer where the processes fork meanwhile.
    """
    for _ in range(ROUNDS_MAX):
        found = [pid for pid in _all() if _belongs(pid, session, mark)]
        if not found:
            return
        for pid in found:
            _kill(pid, session, mark)
        time.sleep(ROUND_SECONDS)


def _all() -> list[int]:
    if sys.platform != "linux":
        return []
    own = os.getpid()
    return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if pid != own]


def _belongs(pid: int, session: int | None, mark: str) -> bool:
    fields = _stat(pid)
    if fields is None or fields[0] in "ZX":
        return False
    if session is not None and int(fields[3]) == session:
        return True
    try:
        with open(f"/proc/{pid}/environ", "rb") as environment:
            return mark.encode() in environment.read()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False  # gone, or another user's


def is_of(pid: int, sessions: Iterable[int], marks: Iterable[str]) -> bool:
    """Whether a living process is in one of the sessions, or has one of the marks in its environment."""
    fields = _stat(pid)
    if fields is None or fields[0] in "ZX":
        return False
    if int(fields[3]) in sessions:
        return True
    try:
        with open(f"/proc/{pid}/environ", "rb") as environment:
            told = environment.read()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False
    return any(mark.encode() in told for mark in marks)


def _kill(pid: int, session: int | None, mark: str) -> None:
    """Kill by a handle that stays with the process, looked at again through it, so that a reused pid is harmless."""
    if sys.platform != "linux":
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        handle = os.pidfd_open(pid)
        try:
            if _belongs(pid, session, mark):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        finally:
            os.close(handle)


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the state on; None if there is no such process."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
