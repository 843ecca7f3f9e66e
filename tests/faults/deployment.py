"""The servers under test, and what can happen to them."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from tests.faults import connections, wrong_clock
from tests.faults.wrong_clock import Offset
from tests.pace import HANGS_SECONDS, until
from tests.ports import Port
from tests.process import STATORDB, ServerProcess

CUT_SECONDS = 0.02  # between two cuts, while connections stay cut
RUN_SECONDS, STAND_SECONDS = 0.03, 0.27  # of a server that is slow, by turns


class Fault(NamedTuple):
    """Harm that is done, lasts for some seconds, and is then undone. `heal` returns when all is well again."""

    name: str
    harm: Callable[[], None]
    heal: Callable[[], None]
    seconds: float


class Deployment(Protocol):
    """Servers over one store, all well, and the faults that they must bear, by name."""

    @property
    def endpoints(self) -> Sequence[str]: ...

    @property
    def faults(self) -> Mapping[str, Fault]: ...

    def close(self) -> None: ...


class Server:
    """`statordb serve` with these arguments, on one port for as many starts as there are."""

    def __init__(self, *arguments: str, offset: Offset | None = None) -> None:
        """`offset`: of its clock, if that may be wrong."""
        self._kept = Port()
        self.port = self._kept.number
        self.url = f"http://127.0.0.1:{self.port}"
        self._arguments = arguments
        self._command = (str(STATORDB),) if offset is None else wrong_clock.command(offset)
        self._process: ServerProcess | None = None
        self.start()

    @property
    def process(self) -> ServerProcess:
        assert self._process is not None, "it does not run"
        return self._process

    def start(self) -> None:
        self._process = ServerProcess(*self._arguments, "--port", str(self.port), command=self._command)

    def kill(self) -> None:
        """kill -9 of the whole tree."""
        self.process.kill()
        self._process = None

    def stop(self) -> None:
        """In order; its exit code must be 0."""
        if self._process is not None:
            code = self._process.stop()
            assert code == 0, self._process.logged()
            self._process = None
        self._kept.close()

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    @property
    def pids(self) -> list[int]:
        return [self.process.pid, *self.process.descendants()]

    def _signal(self, number: signal.Signals) -> None:
        for pid in self.pids:
            with contextlib.suppress(ProcessLookupError):  # it has ended since, as one does that holds up others
                os.kill(pid, number)


class Trouble:
    """What is done to a server again and again, by a thread of its own, until told otherwise."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        self._ended.clear()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        assert self._thread is not None
        self._thread.join(HANGS_SECONDS)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        raise NotImplementedError


class Cut(Trouble):
    """Cuts a server's connections with one port, its own or a peer's."""

    def __init__(self, server: Server, port: int) -> None:
        super().__init__(server)
        self._port = port
        self.count = 0  # of connections that were cut

    def end(self) -> None:
        until(lambda: self.count, f"a connection with port {self._port} is cut")
        super().end()

    def _run(self) -> None:
        while not self._ended.is_set():
            self.count += sum(connections.cut(pid, self._port) for pid in self._server.pids)
            self._ended.wait(CUT_SECONDS)


class Slowness(Trouble):
    """Stops a server's processes most of the time: each of them stands anywhere, also in the middle of a step."""

    def _run(self) -> None:
        while not self._ended.wait(RUN_SECONDS):
            self._server.pause()
            self._ended.wait(STAND_SECONDS)
            self._server.resume()


def server_faults(server: Server, name: str = "server") -> list[Fault]:
    """What can happen to one server by itself."""
    cut, slowness = Cut(server, server.port), Slowness(server)
    return [
        Fault(f"{name} killed", server.kill, server.start, 0.5),
        Fault(f"{name} paused", server.pause, server.resume, 2.0),
        Fault(f"{name} slow", slowness.begin, slowness.end, 3.0),
        Fault(f"{name} cut from its clients", cut.begin, cut.end, 0.3),
    ]


def both(one: Fault, other: Fault) -> Fault:
    """Two at once."""

    def harm() -> None:
        one.harm()
        other.harm()

    def heal() -> None:
        one.heal()
        other.heal()

    return Fault(f"{one.name}, {other.name}", harm, heal, max(one.seconds, other.seconds))


class Embedded:
    """One server with two workers over a store in `directory`."""

    def __init__(self, directory: Path) -> None:
        self.data = directory
        self.server = Server("--data", str(directory), "--workers", "2")
        self.endpoints = [self.server.url]
        self.faults = {fault.name: fault for fault in server_faults(self.server)}

    def close(self) -> None:
        self.server.stop()
