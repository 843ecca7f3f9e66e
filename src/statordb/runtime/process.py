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
from typing import NamedTuple

LAUNCHER = Path(__file__).with_name("launcher.py")


class Confinement(NamedTuple):
    """What the launcher does before it becomes the runtime: a control group to be in, a user to become (None: the
    server's), and what of the disk that one may read and write."""

    cgroup: Path | None = None
    user: int | None = None
    readable: Sequence[str] = ()
    writable: Sequence[str] = ()

    def words(self) -> list[str]:
        user = "" if self.user is None else str(self.user)
        return [str(self.cgroup or ""), user, ":".join(self.readable), ":".join(self.writable)]


UNCONFINED = Confinement()


class Process:
    """Starts `command` behind the launcher, in a session of its own; `output` reads what it prints, stdout and stderr.

    `on_exit` is called once in the event loop when the process has ended. It is not reaped before `reap`, so that until
    then its number, and that of its group and session, mean nothing else. Start it in a thread that lives as long as
    the server: the kernel ends it with that thread.
    """

    def __init__(
        self,
        command: Sequence[str],
        directory: Path,
        environment: Mapping[str, str],
        on_exit: Callable[[], None],
        confinement: Confinement = UNCONFINED,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_exit = on_exit
        self._reaped = False
        self.output, writing = os.pipe()
        os.set_blocking(self.output, False)
        try:
            self._popen = subprocess.Popen(
                [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), *confinement.words(), *command],
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
        """SIGKILL to the process and its group."""
        self._signal(signal.SIGKILL)

    def has_exited(self) -> bool:
        """Whether it has ended, though `on_exit` may be yet to come."""
        return self._reaped or os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None

    def exit_code(self) -> int:
        """After `on_exit`: the exit code, or minus the number of the signal that ended it."""
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
