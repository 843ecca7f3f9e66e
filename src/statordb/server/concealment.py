"""Keeps what this process knows from other processes of the same user: its memory, and what it was started with.

The memory of a server holds secrets of all accounts. On Linux a process may look into another one of its user (ptrace,
/proc/PID/mem, environ, fd), unless that says that it is not to be dumped; the variables that a program was started with
are shown even where it has long forgotten them.
"""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

PR_GET_DUMPABLE, PR_SET_DUMPABLE = 3, 4  # linux/prctl.h
SECRETS = ("STATORDB_ROOT_SECRET_ACCESS_KEY", "STATORDB_CASSANDRA_PASSWORD")


def conceal(is_debuggable: bool) -> None:
    """For the first process, before it starts others. `is_debuggable`: its memory may be looked at."""
    if sys.platform != "linux":
        return
    _move_environment()
    for name in SECRETS:
        os.environ.pop(name, None)
    if not is_debuggable:
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


@contextmanager
def dumpable() -> Iterator[None]:
    """For a moment, so that the process may write what the kernel else keeps for root, in /proc/self."""
    libc = ctypes.CDLL(None)
    before = libc.prctl(PR_GET_DUMPABLE, 0, 0, 0, 0)
    libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
    try:
        yield
    finally:
        libc.prctl(PR_SET_DUMPABLE, before, 0, 0, 0)


def _move_environment() -> None:
    """Have the variables live elsewhere, and overwrite where the kernel shows them (/proc/PID/environ).

    They stay what they are for this process: libraries go on finding them.
    """
    variables = ctypes.POINTER(ctypes.c_void_p).in_dll(ctypes.CDLL(None), "environ")
    shown: list[tuple[int, int]] = []
    index = 0
    while address := variables[index]:
        shown.append((address, len(ctypes.string_at(address))))
        index += 1
    for name, value in os.environb.items():
        os.putenv(name, value)  # a copy
    moved = {address for index in range(index) if (address := variables[index])}
    for address, length in shown:
        if address not in moved:
            ctypes.memset(address, 0, length)
