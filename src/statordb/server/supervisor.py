"""The parent of all processes: a small synchronous loop that starts them, replaces those that die, and ends them.

It never opens the store and never runs an event loop, so that it can fork at any time. A process that lives but does
not go on is replaced as one that died.
"""

import logging
import os
import selectors
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from statordb.server.hung import DUMP_SIGNAL, LOOK_SECONDS, Watch
from statordb.server.process import EXIT_CRASHED, SIGNALS, Link, Pipe, fork
from statordb.server.roster import Roster, State
from statordb.server.settings import EXIT_BAD_START
from statordb.server.sizing import Sizing

STABLE_SECONDS = 5.0  # a process that lived this long did not fail at start
BACKOFF_SECONDS_MIN = 0.1
BACKOFF_SECONDS_MAX = 5.0
KILL_GRACE_SECONDS = 2.0  # beyond the time that workers give the requests in flight

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Child:
    """A process to keep alive. `slot`: its place in the roster.

    One with a `door`, a file descriptor, is started when that can be read, and may end when it is not needed; so may a
    worker that the roster does not want.
    """

    name: str
    slot: int
    run: Callable[[Link], int]
    door: int | None = None
    pid: int = 0
    started_at: float = 0.0
    quick_deaths: int = 0
    start_at: float | None = None  # when it is to be started; None while it runs


class Supervisor:
    """Keeps `children` alive until SIGINT or SIGTERM.

    `on_ready` is called once, when all of them take requests; `on_stop` once, when they are told to end, with
    `shutdown_seconds` left to them.
    """

    def __init__(
        self,
        roster: Roster,
        shutdown_seconds: float,
        on_ready: Callable[[], None],
        on_stop: Callable[[], None],
        watch: Watch | None = None,
        sizing: Sizing | None = None,
    ) -> None:
        self._children: Sequence[Child] = ()
        self._roster = roster
        self._watch = watch or Watch(roster)
        self._sizing = sizing
        self._shutdown_seconds = shutdown_seconds
        self._on_ready = on_ready
        self._on_stop = on_stop
        self._announced = False
        self._life = Pipe.open()
        self._report = Pipe.open()
        self._signals = Pipe.open()
        self._selector = selectors.DefaultSelector()
        self._stop_by: float | None = None  # when processes that still run are killed; None while serving
        self._exit_code = 0
        for number in SIGNALS:
            signal.signal(number, lambda number, frame: None)  # what arrives is read from the wakeup pipe
        signal.set_wakeup_fd(self._signals.writing, warn_on_full_buffer=False)

    def run_first(self, name: str, run: Callable[[Link], int]) -> int:
        """Run a process to its end before any other is started; its exit code."""
        _, status = os.waitpid(fork(name, run, self._life, self._report), 0)
        return _exit_code(status)

    def run(self, children: Sequence[Child]) -> int:
        """Keep the children alive until told to end. Exit code: 0, or that of a child which could not start."""
        self._children = children
        for end in (self._signals.reading, self._report.reading):
            self._selector.register(end, selectors.EVENT_READ)
        for child in children:
            if self._is_wanted(child):
                self._begin(child)
        while self._stop_by is None or any(child.pid for child in self._children):
            for key, _ in self._selector.select(self._wait_seconds()):
                if isinstance(key.data, Child):
                    self._selector.unregister(key.fd)
                    self._start(key.data)
            for number in _drain(self._signals.reading):  # first: who was told to end did not die
                if number in (signal.SIGTERM, signal.SIGINT):
                    self._stop(0)
            self._reap()
            _drain(self._report.reading)
            self._announce()
            self._start_due()
            self._end_hung()
            self._resize()
            if self._stop_by is not None and time.monotonic() >= self._stop_by:
                self._signal_all(signal.SIGKILL)
        return self._exit_code

    def _is_wanted(self, child: Child) -> bool:
        return child.slot >= self._roster.workers or self._roster.is_wanted(child.slot)

    def _resize(self) -> None:
        """Start the workers that have come to be wanted. Those that are wanted no more leave by themselves."""
        if self._sizing is None or not self._announced or self._stop_by is not None:
            return
        self._sizing.look(time.monotonic())
        for child in self._children:
            if child.door is None and not child.pid and child.start_at is None and self._is_wanted(child):
                log.info("worker comes", extra={"child": child.name})
                self._begin(child)

    def _begin(self, child: Child) -> None:
        """Start a process, or have it started by who comes to its door."""
        child.start_at = None
        if child.door is None:
            self._start(child)
        else:
            self._selector.register(child.door, selectors.EVENT_READ, child)

    def _start(self, child: Child) -> None:
        self._roster.starting(child.slot)
        child.started_at = time.monotonic()
        child.pid = fork(child.name, child.run, self._life, self._report)

    def _start_due(self) -> None:
        now = time.monotonic()
        for child in self._children:
            if self._stop_by is None and child.start_at is not None and child.start_at <= now:
                self._begin(child)

    def _wait_seconds(self) -> float:
        """Until the next thing that is due by time."""
        due = [child.start_at for child in self._children if child.start_at is not None and self._stop_by is None]
        if self._stop_by is not None:
            due.append(self._stop_by)
        return min(LOOK_SECONDS, max(0.0, min(due) - time.monotonic())) if due else LOOK_SECONDS

    def _end_hung(self) -> None:
        """Have what does not go on write down where it stands, and end it."""
        alive = {child.slot: child for child in self._children if child.pid}
        for slot, number in self._watch.look(list(alive), time.monotonic()).items():
            child = alive[slot]
            if number is DUMP_SIGNAL:
                log.error("process does not go on", extra={"child": child.name, "child_pid": child.pid})
                self._roster.hung(slot)
            os.kill(child.pid, number)

    def _reap(self) -> None:
        for child in self._children:
            if child.pid and (status := _ended(child.pid)) is not None:
                child.pid = 0
                self._roster.gone(child.slot)
                self._watch.forget(child.slot)
                if self._stop_by is None:
                    self._died(child, _exit_code(status))

    def _died(self, child: Child, code: int) -> None:
        """Start it again: at once after a good life, else after a pause that doubles. A failed first start ends all."""
        if child.door is not None and code == 0:
            self._begin(child)
            return
        if self._sizing is not None and (code == 0 or not self._is_wanted(child)) and self._announced:
            log.info("worker has left", extra={"child": child.name, "exit_code": code})
            return  # if it is wanted again by now, it comes again
        if not self._announced:
            if code != EXIT_BAD_START:  # which has said why
                log.error("process could not start", extra={"child": child.name, "exit_code": code})
            self._stop(code or EXIT_CRASHED)
            return
        now = time.monotonic()
        quick = now - child.started_at < STABLE_SECONDS
        child.quick_deaths = child.quick_deaths + 1 if quick else 0
        pause = 0.0
        if child.quick_deaths > 1:
            pause = min(BACKOFF_SECONDS_MAX, BACKOFF_SECONDS_MIN * 2.0 ** min(child.quick_deaths - 2, 16))
        child.start_at = now + pause
        self._roster.restarted(child.slot)
        log.error("process died", extra={"child": child.name, "exit_code": code, "restart_in_seconds": pause})

    def _announce(self) -> None:
        slots = (child.slot for child in self._children if child.door is None and self._is_wanted(child))
        if (
            not self._announced
            and self._stop_by is None
            and all(self._roster.state(slot) is State.READY for slot in slots)
        ):
            self._announced = True
            self._on_ready()

    def _stop(self, code: int) -> None:
        """Ask every process to end; if that was done before, kill them."""
        if self._stop_by is None:
            self._exit_code = code
            self._stop_by = time.monotonic() + self._shutdown_seconds + KILL_GRACE_SECONDS
            self._on_stop()
            for key in tuple(self._selector.get_map().values()):
                if isinstance(key.data, Child):
                    self._selector.unregister(key.fd)
            self._signal_all(signal.SIGTERM)
        else:
            self._signal_all(signal.SIGKILL)

    def _signal_all(self, number: signal.Signals) -> None:
        for child in self._children:
            if child.pid:
                os.kill(child.pid, number)


def _ended(pid: int) -> int | None:
    """The wait status of a child that has ended, else None."""
    found, status = os.waitpid(pid, os.WNOHANG)
    return status if found else None


def _exit_code(status: int) -> int:
    """Exit code of a wait status; 128 + number for a signal, as shells have it."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _drain(end: int) -> bytes:
    try:
        return os.read(end, 4096)
    except BlockingIOError:
        return b""
