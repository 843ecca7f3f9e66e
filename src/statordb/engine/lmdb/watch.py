"""Looks at the others while this process waits long for the write lock, and ends the one that keeps it.

LMDB's lock is a robust mutex: the kernel gives it on when its holder dies, and what that one had not committed was
never there. But a process that is stopped (SIGSTOP), or that gets no memory or processor any more, keeps it for ever.
Also one that is stopped while it waits: it may have been woken to take the lock, and nobody else is. Such a process is
killed; its supervisor starts it again.
"""

import logging
import os
import signal
from collections.abc import Callable
from math import inf
from threading import Event, Thread
from time import monotonic_ns

from statordb.engine.lmdb.writers import Phase, Process, Writers

LOOK_SECONDS = 0.1
PATIENCE_SECONDS = 0.25  # that this process waits for the lock before it looks at the others
STOPPED_LOOKS = 3  # in a row in which a process is stopped, and has done nothing
FILLS_LOOKS = 100  # in which it has the lock and gets on with nothing: usually a matter of milliseconds
COMMITS_LOOKS = 600  # the same while the disk may be what it waits for
QUIET_LOOKS = 10  # after which the thread sleeps until there is something to wait for
STOPPED = "T"

Kill = Callable[[Process], None]

log = logging.getLogger(__name__)


class Watch:
    """One process's watch. `begin` tells that it asks for the lock."""

    def __init__(self, writers: Writers, kill: Kill | None = None) -> None:
        self._writers = writers
        self._kill = kill or _kill
        self._looks: dict[Process, int] = {}  # in a row, of those that have not changed
        self._wanted = Event()
        self._asleep = False
        self._ended = Event()
        self._thread = Thread(target=self._run, name="lmdb-watch", daemon=True)
        self._thread.start()

    def begin(self) -> None:
        """This process asks for the lock."""
        if self._asleep:
            self._wanted.set()

    def close(self) -> None:
        self._ended.set()
        self._wanted.set()
        self._thread.join()

    def _run(self) -> None:
        quiet = 0
        while not self._ended.is_set():
            if quiet >= QUIET_LOOKS:
                self._asleep = True
                if self._writers.own.phase == Phase.IDLE:  # else it was asked for before that could be seen
                    self._wanted.wait()
                self._asleep = False
                self._wanted.clear()
                quiet = 0
            if self._ended.wait(LOOK_SECONDS):
                return
            quiet = quiet + 1 if self._writers.own.phase == Phase.IDLE else 0
            try:
                self.look()
            except Exception:
                log.exception("a process can't be looked at")

    def look(self) -> None:
        """Count for how long each process has done nothing, and end one that has done so for too long."""
        own = self._writers.own
        if own.phase != Phase.WANTS or monotonic_ns() - own.since < PATIENCE_SECONDS * 1e9:
            self._looks.clear()
            return
        looks = {process: self._looks.get(process, 0) + 1 for process in self._writers.others()}
        for process, count in looks.items():
            if count >= _looks_max(process):
                log.error(
                    "a process that keeps the write lock is killed",
                    extra={"stuck_pid": process.pid, "phase": Phase(process.phase).name, "looks": count},
                )
                self._kill(process)
        self._looks = looks


def _looks_max(process: Process) -> float:
    state = process.stat()
    if state is None:  # it is dead, and the lock has gone on
        return inf
    if state == STOPPED:
        return STOPPED_LOOKS
    return {Phase.FILLS: FILLS_LOOKS, Phase.COMMITS: COMMITS_LOOKS}.get(Phase(process.phase), inf)


def _kill(process: Process) -> None:
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    try:
        if process.stat() is not None:  # it is the one that was looked at, not one that got its number later
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    except ProcessLookupError:
        pass
    finally:
        os.close(descriptor)
