"""One process of a function, from its start to its end, with all that it starts itself."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from statordb.launcher import confining

CONFINING = Path(confining.__file__)


class Process(Protocol):
    """A process that has begun; `output` reads what it prints, stdout and stderr. It is not reaped before it is cleared
    away, so that until then its number, and that of its group and session, mean nothing else."""

    output: int
    pid: int

    def terminate(self) -> None:
        """SIGTERM to the process and its group."""

    def kill(self) -> None:
        """SIGKILL to the process and its group."""

    def has_exited(self) -> bool:
        """Whether it has ended, though that may not have been told yet."""

    def exit_code(self) -> int:
        """After its end was told: the exit code, or minus the number of the signal that ended it."""


class OwnProcess:
    """Starts `command` as the server's user, in a session of its own and in the control group `cgroup`.

    `on_exit` is called once in the event loop when the process has ended; `reap` it then. Start it in a thread that
    lives as long as the server: the kernel ends it with that thread.
    """

    def __init__(
        self,
        command: Sequence[str],
        directory: Path,
        environment: Mapping[str, str],
        on_exit: Callable[[], None],
        cgroup: Path | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_exit = on_exit
        self._reaped = False
        self.output, writing = os.pipe()
        os.set_blocking(self.output, False)
        try:
            self._popen = subprocess.Popen(
                [sys.executable, "-I", "-S", str(CONFINING), str(os.getpid()), str(cgroup or ""), *command],
                stdin=subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                cwd=directory,
                env=dict(environment),
                start_new_session=True,
            )
        except BaseException:
            os.close(self.output)
            raise
        finally:
            os.close(writing)
        self.pid = self._popen.pid
        self._watch()

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def has_exited(self) -> bool:
        return self._reaped or os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None

    def exit_code(self) -> int:
        result = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        assert result is not None
        return result.si_status if result.si_code == os.CLD_EXITED else -result.si_status

    def reap(self) -> None:
        """After `on_exit`: let go of the process and its number."""
        self._reaped = True
        self._popen.wait()

    def _signal(self, number: signal.Signals) -> None:
        if not self._reaped:
            with contextlib.suppress(ProcessLookupError, PermissionError):  # only the unreaped process is left of it
                os.killpg(self.pid, number)

    def _watch(self) -> None:
        if sys.platform == "linux":
            handle = os.pidfd_open(self.pid)
            self._loop.add_reader(handle, self._exited, handle)
        else:
            threading.Thread(target=self._wait, daemon=True).start()

    def _exited(self, handle: int) -> None:
        self._loop.remove_reader(handle)
        os.close(handle)
        self._on_exit()

    def _wait(self) -> None:
        """In a thread, where the system has no handles of processes."""
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        with contextlib.suppress(RuntimeError):  # the event loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._on_exit)
