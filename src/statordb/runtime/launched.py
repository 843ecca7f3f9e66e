"""Instances whose processes a launcher starts, as users of their accounts' own."""

import asyncio
import contextlib
import hashlib
import logging
import os
import re
import select
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from statordb.launcher.requests import PIDS_MAX
from statordb.model.invocation import NotRunnable
from statordb.runtime import leftovers, private_directory, processes, runtimes
from statordb.runtime.launching import Launcher
from statordb.runtime.memory import Usage
from statordb.runtime.process import Process
from statordb.store.functions.catalog import FunctionRecord

TRAVERSED = 0o711  # others may go through a directory, and see nothing in it
READ_BY_GROUP = 0o750
_NAME = re.compile("[0-9a-f]{32}")

log = logging.getLogger(__name__)


class Launched:
    """A Containment."""

    def __init__(self, launcher: Launcher) -> None:
        self._launcher = launcher
        self._left: list[Path] = []  # directories of instances of before
        self._looking = asyncio.Lock()

    def prepare(self, pool: Path, homes: Path, code: Path) -> None:
        """Let other users go through these directories to what is theirs, and see nothing else there."""
        for directory in (pool, homes, code):
            private_directory.make(directory)
            os.chmod(directory, TRAVERSED)
        private_directory.make(pool / "logs")
        os.chmod(pool / "logs", private_directory.MODE)  # names of accounts and functions are in it
        self._left = [entry for entry in homes.iterdir() if _NAME.fullmatch(entry.name)]

    async def take(self, function: FunctionRecord, root: Path, homes: Path) -> "LaunchedCell":
        await self._clear_left()
        home = leftovers.new_home(homes)
        is_package = function.code_directory is None
        try:
            told = await self._launcher.ask(
                "take",
                home.name,
                account=hashlib.sha256(function.account.encode()).hexdigest(),
                code=root.name if is_package else None,
                directory=None if is_package else str(root),
                memory_mb=function.memory_mb,
            )
            if is_package:
                os.chmod(root, READ_BY_GROUP)  # once the group is that of the account's user
        except Exception:
            await LaunchedCell(home, None, self._launcher).clear()
            raise
        return LaunchedCell(home, told["user"], self._launcher)

    async def _clear_left(self) -> None:
        """Take away what a server has left that was killed together with its launcher."""
        async with self._looking:
            while self._left:
                await LaunchedCell(self._left[-1], None, self._launcher).clear()
                self._left.pop()

    def end_strays(self, marks: set[str]) -> None:
        """The launcher does."""


class LaunchedCell:
    """A Cell."""

    def __init__(self, home: Path, user: int | None, launcher: Launcher) -> None:
        self.home = home
        self.user = user
        self._launcher = launcher
        self._process: LaunchedProcess | None = None

    async def begin(
        self, function: FunctionRecord, command: list[str], root: Path, environment: Mapping[str, str],
        on_exit: Callable[[], None],
    ) -> Process:  # fmt: skip
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        process = LaunchedProcess(self.home.name, reading, on_exit, self._launcher)
        try:
            told = await self._launcher.ask(
                "start",
                self.home.name,
                writing,
                kind=runtimes.kind_of(function, root),
                handler=function.handler,
                environment=dict(environment),
            )
            process.began(told["pid"])
        except BaseException:
            process.forget()
            os.close(reading)
            raise
        finally:
            os.close(writing)
        self._process = process
        return process

    async def measure(self, pids: Sequence[int], bound: int, *, thoroughly: bool) -> Usage:
        quick = sum(map(processes.resident_bytes, pids))
        if not thoroughly and (quick <= bound or len(pids) == 1):
            return Usage(quick)
        try:
            told = await self._launcher.ask("measure", self.home.name, pids=list(pids)[:PIDS_MAX])
        except NotRunnable:  # it has ended, or many others are being measured
            return Usage(quick)
        return Usage(told["memory"], told["files"])

    async def clear(self) -> None:
        try:
            await self._launcher.ask("clear", self.home.name)
        except NotRunnable as refused:
            # The next server takes them away; or the launcher has, if it has ended itself.
            log.warning("files of a function may be left", extra={"home": str(self.home), "reason": str(refused)})
        finally:
            if self._process is not None:
                self._process.forget()
        with contextlib.suppress(OSError):
            self.home.rmdir()


class LaunchedProcess:
    """A Process that is no child of this one."""

    def __init__(self, home: str, output: int, on_exit: Callable[[], None], launcher: Launcher) -> None:
        self.output = output
        self.pid = 0
        self._home = home
        self._launcher = launcher
        self._on_exit = on_exit
        self._loop = asyncio.get_running_loop()
        self._handle = -1
        self._code: int | None = None
        launcher.on_end(home, self._ended)

    def began(self, pid: int) -> None:
        self.pid = pid
        with contextlib.suppress(ProcessLookupError):  # the launcher has ended meanwhile, and all with it
            self._handle = os.pidfd_open(pid)
        if self._code is not None:
            self._loop.call_soon(self._on_exit)

    def _ended(self, code: int) -> None:
        self._code = code
        if self.pid:
            self._loop.call_soon(self._on_exit)

    def terminate(self) -> None:
        self._launcher.signal(self._home, signal.SIGTERM)

    def kill(self) -> None:
        self._launcher.signal(self._home, signal.SIGKILL)

    def has_exited(self) -> bool:
        if self._code is not None or self._handle < 0:
            return True
        looking = select.poll()
        looking.register(self._handle, select.POLLIN)
        return bool(looking.poll(0))

    def exit_code(self) -> int:
        assert self._code is not None
        return self._code

    def forget(self) -> None:
        """Let go of it: its number may soon be another one's."""
        self._launcher.forget(self._home)
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
