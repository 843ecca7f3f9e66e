"""Looks at what cells use, each in a process that answers by itself, since it may take a while."""

import os
import signal
from collections.abc import Callable, Sequence
from typing import Any

from statordb.launcher import ending, measuring
from statordb.launcher.cells import Cell
from statordb.launcher.requests import Refused
from statordb.launcher.users import Users

LOOKS_MAX = 16  # at once


class Looks:
    """`tell` writes an answer; for `watch` and `unwatch` see Session."""

    def __init__(
        self,
        users: Users,
        tell: Callable[[dict[str, Any]], None],
        watch: Callable[[int, Callable[[], None]], None],
        unwatch: Callable[[int], None],
    ) -> None:
        self._users = users
        self._tell = tell
        self._watch = watch
        self._unwatch = unwatch
        self._looking: dict[int, int] = {}  # processes by their handles

    def begin(self, number: int, cell: Cell, known: Sequence[int]) -> None:
        """Answer the request of that number, later. Raises Refused."""
        if len(self._looking) >= LOOKS_MAX:
            raise Refused("Too many are being measured.")
        pids = cell.members(known)

        def look() -> None:
            memory, files = measuring.memory_bytes(pids), measuring.files_bytes(cell.home, pids)
            self._tell({"id": number, "memory": memory, "files": files})

        pid = ending.begin(cell.user, self._users.cleaner, self._users, look)
        handle = os.pidfd_open(pid)
        self._looking[handle] = pid
        self._watch(handle, lambda: self._done(number, handle))

    def _done(self, number: int, handle: int) -> None:
        self._unwatch(handle)
        os.close(handle)
        _, status = os.waitpid(self._looking.pop(handle), 0)
        if status:
            self._tell({"id": number, "refused": "It can't be measured."})

    def close(self) -> None:
        for handle, pid in self._looking.items():
            self._unwatch(handle)
            os.close(handle)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
