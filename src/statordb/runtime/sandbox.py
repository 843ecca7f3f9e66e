"""A process of a function, with all that it has of its own: listener, output, directory, memory, and its end."""

import asyncio
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from statordb.launcher.measuring import FILES_BYTES_MAX
from statordb.model.invocation import Outcome
from statordb.runtime import endings, memory, processes
from statordb.runtime.containment import Cell
from statordb.runtime.endings import Ending
from statordb.runtime.invocation import Invocation
from statordb.runtime.output import LogFile, Output, report_line
from statordb.runtime.process import Process
from statordb.runtime.runtime_api import Runtime, RuntimeApi
from statordb.runtime.runtimes import environment_of
from statordb.store.functions.catalog import FunctionRecord

LAST_WORDS_SECONDS = 1.0  # for what a process that has exited has sent and we have not read
LAST_WORDS_CHECK_SECONDS = 0.005


class Launch(NamedTuple):
    """What a process is started with. `now`: seconds since the epoch."""

    command: list[str]
    root: Path
    cell: Cell
    endpoint: str
    credentials: Mapping[str, str]
    now: Callable[[], float]


class Sandbox:
    """One process, and all that it starts itself. `start` it once; `gone` is set when nothing is left of it.

    `runtime` hears what the runtime says. `exited` is told once that the process has ended, with its exit code or minus
    the number of the signal; what the process sent before has been heard by then. `kill` it before it is let go.
    """

    def __init__(
        self,
        function: FunctionRecord,
        launch: Launch,
        log: LogFile,
        runtime: Runtime,
        exited: Callable[[int], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._function = function
        self._launch = launch
        self._log = log
        self._exited = exited
        self._api = RuntimeApi(runtime, None if (user := launch.cell.user) is None else (user,))
        self._process: Process | None = None
        self._output: Output | None = None
        self._peak_bytes = 0
        self._silenced = False
        self._burial: asyncio.Task[None] | None = None
        self.gone: asyncio.Future[None] = self._loop.create_future()

    async def start(self) -> None:
        """Begin the process. Raises OSError; nothing is left then but the home."""
        launch = self._launch
        await self._api.start()
        environment = environment_of(
            self._function,
            launch.root,
            launch.cell.home,
            self._api.address,
            launch.endpoint,
            launch.credentials,
            launch.now(),
        )
        try:
            self._process = await launch.cell.begin(
                self._function, launch.command, launch.root, environment, self._ended
            )
            self._output = Output(self._process.output, self._log)
        except BaseException:
            self._api.close()
            self.kill()
            raise

    @property
    def lives(self) -> bool:
        """Whether the process does, asked of the kernel: it may have died in its sleep a moment ago."""
        return self._process is not None and not self._process.has_exited()

    @property
    def session(self) -> int:
        """The session of its processes; 0 before there are any."""
        return 0 if self._process is None else self._process.pid

    def terminate(self) -> None:
        """Let the process's own handlers run."""
        if self._process is not None:
            self._process.terminate()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    def silence(self) -> None:
        """Nobody hears any more what the process says: its end is not held up for that."""
        self._silenced = True

    async def excess(self, members: Iterable[int], *, thoroughly: bool) -> Callable[[str], Ending] | None:
        """What becomes of an invocation, by its id, since its processes use more memory or disk than the function may.

        `members`: those of its session, if known; else those are looked at whose parents live. `thoroughly`: also at
        what takes a while to find.
        """
        if self._process is None:
            return None
        bound = self._function.memory_mb * memory.MIB
        pids = list(members) or processes.descendants(self._process.pid)
        used = await self._launch.cell.measure(pids, bound, thoroughly=thoroughly)
        self._peak_bytes = max(self._peak_bytes, used.memory)
        if used.memory > bound:
            return endings.out_of_memory
        return endings.out_of_storage if used.files > FILES_BYTES_MAX else None

    # The log of an invocation

    def begin_log(self, invocation: Invocation) -> None:
        # What was measured may have been before the runtime was there, and a short invocation is not measured at all.
        self._peak_bytes = max(self._peak_bytes, processes.resident_bytes(self.session))
        assert self._output is not None
        self._output.mark(f"START RequestId: {invocation.request_id} Version: $LATEST\n")

    def end_log(
        self,
        invocation: Invocation,
        payload: bytes,
        error: str | None,
        elapsed_ms: float,
        init_ms: float | None,
        ending: Ending | None,
    ) -> Outcome:
        """The outcome, with the end of the log of what it took."""
        assert self._output is not None
        self._output.drain()
        used_mb = math.ceil(self._peak_bytes / memory.MIB)
        report = report_line(invocation.request_id, elapsed_ms, self._function.memory_mb, used_mb, init_ms)
        line, status = ("", "") if ending is None else (ending.line, ending.status)
        self._output.mark(f"{line}END RequestId: {invocation.request_id}\n{report}{status}\n")
        return Outcome(payload, error, self._output.take_tail(), invocation.request_id)

    # The end of the process

    def _ended(self) -> None:
        """The process has ended. What it sent before is read first: an answer may be among that."""
        self.kill()  # the rest of its group
        self._await_last_words(self._loop.time() + LAST_WORDS_SECONDS)

    def _await_last_words(self, until: float) -> None:
        if not self._silenced and self._api.connections and self._loop.time() < until:
            self._loop.call_later(LAST_WORDS_CHECK_SECONDS, self._await_last_words, until)
            return
        assert self._process is not None
        self._exited(self._process.exit_code())
        self._burial = asyncio.create_task(self._bury())

    async def _bury(self) -> None:
        """Let go of all that it had."""
        self._api.close()
        if self._output is not None:
            self._output.drain()
            self._output.close()
        try:
            await self._launch.cell.clear()
        finally:
            self.gone.set_result(None)
