"""A child process from fork to exit: it ends with its parent, and never returns to the caller."""

import asyncio
import contextlib
import ctypes
import faulthandler
import logging
import os
import signal
import sys
from collections.abc import Callable
from typing import NamedTuple, NoReturn

from statordb.server import logs
from statordb.server.hung import DUMP_SIGNAL

PR_SET_PDEATHSIG = 1  # linux/prctl.h
PR_SET_NAME = 15
STANDARD_ERROR = 2
EXIT_CRASHED = 70  # EX_SOFTWARE of sysexits.h
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)

log = logging.getLogger(__name__)


class Pipe(NamedTuple):
    """Both ends of a pipe, not blocking."""

    reading: int
    writing: int

    @classmethod
    def open(cls) -> "Pipe":
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        os.set_blocking(writing, False)
        return cls(reading, writing)

    def close(self) -> None:
        os.close(self.reading)
        os.close(self.writing)


class Link:
    """What a child has of its parent: a place to report readiness to, and a pipe that ends when the parent does."""

    def __init__(self, life: int, report: int) -> None:
        self._life = life
        self._report = report

    def ready(self) -> None:
        """Tell the parent that something has changed in the roster."""
        with contextlib.suppress(BlockingIOError, BrokenPipeError):  # full: it is awake anyway; broken: it is gone
            os.write(self._report, b"r")

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """End this process at once when the parent is gone. The store takes that as it takes a crash."""
        loop.add_reader(self._life, lambda: os._exit(EXIT_CRASHED))


def fork(name: str, run: Callable[[Link], int], life: Pipe, report: Pipe) -> int:
    """Start a child that exits with what `run` returns; gives its process id.

    Signals wait while the child still has its parent's handlers. In the child SIGINT is ignored: a terminal sends it to
    all processes, but it is the parent that ends the children, by SIGTERM.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        pid = os.fork()
        if pid == 0:
            _be_child(name, run, parent, life, report)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    return pid


def _be_child(name: str, run: Callable[[Link], int], parent: int, life: Pipe, report: Pipe) -> NoReturn:
    code = EXIT_CRASHED
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        faulthandler.register(DUMP_SIGNAL, file=STANDARD_ERROR)  # in C: it works while Python code does not
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        os.close(life.writing)
        os.close(report.reading)
        logs.write_in_background()
        _prepare_linux(name)
        if os.getppid() != parent:
            os._exit(EXIT_CRASHED)
        code = run(Link(life.reading, report.writing))
    except BaseException:
        log.exception("process failed", extra={"child": name})
    finally:
        logs.finish()
        os._exit(code)


def _prepare_linux(name: str) -> None:
    """Have the kernel kill this process when its parent ends, and name it for `ps`."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        libc.prctl(PR_SET_NAME, name.encode())
