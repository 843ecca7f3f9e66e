"""What an instance gets before its process is there, and what holds it together to its end."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from statordb.launcher import cgroups
from statordb.launcher.cgroups import Cgroups
from statordb.runtime import leftovers, memory
from statordb.runtime.memory import MIB, Usage
from statordb.runtime.process import OwnProcess, Process
from statordb.runtime.strays import Strays
from statordb.store.functions.catalog import FunctionRecord


class Cell(Protocol):
    """What one instance has. `home`: its directory for temporary files; `user`: as whom it runs, None for the server's
    user."""

    home: Path
    user: int | None

    async def begin(
        self, function: FunctionRecord, command: list[str], root: Path, environment: Mapping[str, str],
        on_exit: Callable[[], None],
    ) -> Process:  # fmt: skip
        """Start the process; `on_exit` is called once, later and in the event loop, when it has ended. Raises OSError,
        ValueError, NotRunnable."""

    async def measure(self, pids: Sequence[int], bound: int, *, thoroughly: bool) -> Usage:
        """What the processes use. `bound`: of the memory; `thoroughly`: also what takes a while to find."""

    async def clear(self) -> None:
        """End all that is left of the process, if there was one, and take away its files."""


class Containment(Protocol):
    """Makes the cells of a pool."""

    def prepare(self, pool: Path, homes: Path, code: Path) -> None:
        """Before the first cell: see to the directories of the pool, and to what an earlier server left there. Raises
        private_directory.NotPrivate."""

    async def take(self, function: FunctionRecord, root: Path, homes: Path) -> Cell:
        """A cell for an instance with its code in `root`. Raises NotRunnable, OSError."""

    def end_strays(self, marks: set[str]) -> None:
        """End what has got away from its instance. `marks`: names of the homes of those that live."""


class Shared:
    """Functions run as the server's user. `strays`: where there are no control groups, ends what got away."""

    def __init__(self, groups: Cgroups | None = None, strays: Strays | None = None) -> None:
        self._groups = groups
        self._strays = strays

    def prepare(self, pool: Path, homes: Path, code: Path) -> None:
        leftovers.clear_all(pool)

    async def take(self, function: FunctionRecord, root: Path, homes: Path) -> "SharedCell":
        home = leftovers.new_home(homes)
        try:
            group = None if self._groups is None else self._groups.make(home.name, function.memory_mb * MIB)
        except BaseException:
            leftovers.clear(home, None)
            raise
        return SharedCell(home, group, self._strays)

    def end_strays(self, marks: set[str]) -> None:
        if self._strays is not None:
            self._strays.end(marks)


class SharedCell:
    user: int | None = None

    def __init__(self, home: Path, group: Path | None, strays: Strays | None) -> None:
        self.home = home
        self._group = group
        self._strays = strays
        self._process: OwnProcess | None = None

    async def begin(
        self, function: FunctionRecord, command: list[str], root: Path, environment: Mapping[str, str],
        on_exit: Callable[[], None],
    ) -> Process:  # fmt: skip
        process = self._process = OwnProcess(command, root, environment, on_exit, self._group)
        if self._strays is not None:
            self._strays.known.add(process.pid)
        leftovers.note(self.home, process.pid, self._group)
        return process

    async def measure(self, pids: Sequence[int], bound: int, *, thoroughly: bool) -> Usage:
        return Usage(memory.used_bytes(pids, bound))

    async def clear(self) -> None:
        process = self._process
        if process is None:
            if self._group is not None:
                cgroups.end(self._group)
            leftovers.clear(self.home, None)
            return
        try:
            await asyncio.to_thread(leftovers.clear, self.home, process.pid)
        finally:
            process.reap()
            if self._strays is not None:
                self._strays.known.discard(process.pid)
