"""What functions started and left to itself, where there are no control groups (Linux).

A process whose parent has ended becomes the child of init, and nobody can tell any more whose it was. This process has
the kernel give them to itself. What has neither the session nor the environment of an instance any more has got away
from it, and is ended.
"""

import ctypes
import os
import signal
import sys

from statordb.runtime import processes

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


class Strays:
    """`known`: this process's children that are instances, by their numbers, to be kept up by whoever starts and reaps
    them. Other children it may have in its own session."""

    def __init__(self) -> None:
        self.known: set[int] = set()
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def end(self, marks: set[str]) -> None:
        """End those that belong to no living instance, with all below them. `marks`: the names of those that live."""
        own = os.getsid(0)  # of what this process has started for itself, and no function can get into it
        for pid in processes.children(os.getpid()):
            if pid in self.known or _session(pid) == own or processes.is_of(pid, self.known, marks):
                continue
            for each in reversed(processes.descendants(pid)):
                _kill(each)
            _reap(pid)


def _session(pid: int) -> int:
    """The session of a process; 0 if there is no such process."""
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _reap(pid: int) -> None:
    """Let go of it if it is gone; else the next look does."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return
