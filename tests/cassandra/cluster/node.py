"""One Cassandra node as a process: started, stopped, killed and paused. It outlives the object that started it, and the
process, unless it is told otherwise."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.cassandra.cluster import configuration, probe
from tests.cassandra.cluster.access import Access
from tests.outlived import Outlived

LIBRARY = Path(__file__).resolve().parents[3] / ".tools" / "cassandra" / "lib"
END_SECONDS_MAX = 30.0
STOP_SECONDS_MAX = 240.0  # until a process that was told to stop does
LOG_TAIL_BYTES = 3000


class Node:
    """Node `number` (from 1) of those at `addresses`, with configuration, data, log and process id in `folder`.

    `access`: how to get in; None: all do. `bound`: it ends when this process does. `passing`: it is not killed but to
    be forgotten.
    """

    def __init__(
        self,
        folder: Path,
        number: int,
        addresses: Sequence[str],
        *,
        quick: bool,
        access: Access | None = None,
        bound: bool = False,
        passing: bool = False,
    ) -> None:
        self.address = addresses[number - 1]
        self._folder = folder
        self._number = number
        self._addresses = addresses
        self._quick = quick
        self._access = access
        self._bound = bound
        self._passing = passing
        self._process: subprocess.Popen[bytes] | None = None
        self._watch: Outlived | None = None

    @property
    def pid(self) -> int | None:
        """Its process, if that lives: any thread of it, since the sockets stay open until the last is gone."""
        if self._process is not None:
            self._process.poll()  # a child that ended stays a zombie until it is asked for
        try:
            pid, started = map(int, (self._folder / "pid").read_text().split())
            living = _started(pid) == started and any(state not in "ZX" for state in _states(pid))
        except (FileNotFoundError, ProcessLookupError):
            return None
        return pid if living else None

    @property
    def wanted(self) -> bool:
        """Whether it was started, and neither stopped nor killed nor paused by way of this class since."""
        return (self._folder / "pid").exists() and not self.paused

    @property
    def paused(self) -> bool:
        pid = self.pid
        return pid is not None and next(_states(pid)) == "T"

    def start(self) -> None:
        """Begin to start it if it does not live, and let it go on if it is paused. Cluster.wait() sees it serve."""
        if self.pid is not None:
            self.signal(signal.SIGCONT)
            return
        if not LIBRARY.is_dir():
            raise RuntimeError("Cassandra is not installed: make tools")
        configuration.write(self._folder, self._number, self._addresses, self._access)
        with (self._folder / "log").open("ab") as log:
            secured = self._access is not None
            self._process = subprocess.Popen(
                configuration.command(self._folder, LIBRARY, quick=self._quick, secured=secured, passing=self._passing),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if self._bound:
            self._watch = Outlived(self._process.pid)
        written = self._folder / "pid.new"
        written.write_text(f"{self._process.pid} {_started(self._process.pid)}")
        written.rename(self._folder / "pid")

    def serves(self, copies: int = 1) -> bool:
        """Whether it answers clients, with the help of `copies` nodes."""
        return probe.answers(self.address, configuration.CQL_PORT, copies, self._access)

    def log_tail(self) -> str:
        with (self._folder / "log").open("rb") as log:
            log.seek(-min(LOG_TAIL_BYTES, log.seek(0, os.SEEK_END)), os.SEEK_END)
            return log.read().decode(errors="replace")

    def kill(self) -> None:
        """kill -9; returns when it is gone. The others find out by themselves, within some ten seconds."""
        self.signal(signal.SIGKILL)
        self.await_end()

    def pause(self) -> None:
        """SIGSTOP: it keeps its connections and answers nothing. Its threads stop one by one, which is waited for."""
        self.signal(signal.SIGSTOP)
        deadline = time.monotonic() + STOP_SECONDS_MAX
        while not self.paused and time.monotonic() < deadline:
            time.sleep(0.01)

    def resume(self) -> None:
        self.signal(signal.SIGCONT)

    def stop(self) -> None:
        """An orderly end."""
        self.ask_to_end()
        self.await_end()

    def ask_to_end(self) -> None:
        self.signal(signal.SIGTERM)
        self.signal(signal.SIGCONT)

    def signal(self, number: signal.Signals) -> None:
        """Raises RuntimeError if it does not live."""
        pid = self.pid
        if pid is None:
            raise RuntimeError(f"Cassandra on {self.address} does not run")
        os.kill(pid, number)

    def await_end(self) -> None:
        """Return when its process, which was sent a signal that ends it, is gone; kill it if it takes too long."""
        deadline = time.monotonic() + END_SECONDS_MAX
        while (pid := self.pid) is not None:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)
        (self._folder / "pid").unlink(missing_ok=True)


def _started(pid: int) -> int:
    """When a process began, in ticks since the machine's start: with the pid it names one process for ever."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def _states(pid: int) -> Iterator[str]:
    """The state of each thread of a process: R, S, D, T (stopped), Z, X."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        try:
            yield (thread / "stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
