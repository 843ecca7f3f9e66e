"""A real server in a process tree of its own, as a test starts, watches and ends it."""

import os
import re
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.outlived import Outlived

STATORDB = Path(sys.executable).parent / "statordb"
READY = re.compile(r"^StatorDB ready on (https?://\S+)( .*)?$", re.MULTILINE)
START_SECONDS_MAX = 240.0  # a new keyspace on a busy cluster takes its time
STOP_SECONDS_MAX = 240.0


class ServerProcess:
    """`statordb serve --port 0` with further arguments, in a session of its own, so that the tree dies as one; with
    us, if we are killed.

    `url` is where it answers, `pid` its first process. What it logs goes to a file, shown where a start fails.
    """

    def __init__(self, *arguments: str, command: Sequence[str] = (str(STATORDB),)) -> None:
        """`command`: what runs it."""
        self._log = os.memfd_create("statordb-log")
        self._logged = ""
        self._shown = ""
        self.process = subprocess.Popen(
            [*command, "serve", "--port", "0", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,
        )
        self.pid = self.process.pid
        self._watch = Outlived(self.pid)
        try:
            self.url = self._await_ready()
        except BaseException:
            self.kill()
            raise

    def __enter__(self) -> "ServerProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _await_ready(self) -> str:
        """Read standard output up to the line that says where the server answers."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + START_SECONDS_MAX
        seen = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while selector.select(max(0.0, deadline - time.monotonic())):
                chunk = os.read(self.process.stdout.fileno(), 4096)
                seen += chunk
                ready = READY.search(seen.decode())
                if ready:
                    self._shown = seen.decode()
                    return ready[1]
                if not chunk:
                    break
        raise RuntimeError(f"the server did not get ready: {seen.decode()!r}\n{self.logged()}")

    def shown(self) -> str:
        """Standard output, up to the line that says that it is ready."""
        return self._shown

    def logged(self) -> str:
        """All that the server has logged so far."""
        if self._log >= 0:
            self._logged = os.pread(self._log, os.fstat(self._log).st_size, 0).decode(errors="replace")
        return self._logged

    def descendants(self) -> dict[int, str]:
        """Every living process below the first one: pid -> command line."""
        found: dict[int, str] = {}
        waiting = [self.pid]
        while waiting:
            parent = waiting.pop()
            for child in _children(parent):
                found[child] = _command_line(child)
                waiting.append(child)
        return found

    def stop(self) -> int:
        """Ask it to end (SIGTERM) and return its exit code; a server that does not end is killed and told on."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        self._close()
        return code

    def kill(self) -> None:
        """kill -9 the whole tree at one moment, and return when every process of it is gone."""
        tree = [self.pid, *self.descendants()]
        os.killpg(self.pid, signal.SIGKILL)
        for pid in tree[1:]:
            if Path(f"/proc/{pid}").exists() and os.getpgid(pid) != self.pid:
                os.kill(pid, signal.SIGKILL)
        self.process.wait(STOP_SECONDS_MAX)
        deadline = time.monotonic() + STOP_SECONDS_MAX
        while any(_alive(pid) for pid in tree[1:]):
            assert time.monotonic() < deadline, "a killed process lives on"
            time.sleep(0.005)
        self._close()

    def _close(self) -> None:
        self._watch.close()
        self.logged()
        os.close(self._log)
        self._log = -1
        if self.process.stdout is not None:
            self.process.stdout.close()


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    except (FileNotFoundError, ProcessLookupError):
        return found  # it ended while we looked
    return found


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _alive(pid: int) -> bool:
    """Whether a process still runs; a zombie that waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def anonymous_kib(pid: int) -> int:
    """Private memory of a process in KiB, without the mapped store file."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1])
    raise AssertionError("no RssAnon in /proc")
