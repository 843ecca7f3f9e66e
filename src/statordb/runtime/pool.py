"""Runs functions in processes of their own on this machine, kept warm between invocations."""

import asyncio
import os
import uuid
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from statordb.model.invocation import THROTTLED_RESERVED, THROTTLED_TOTAL, NotRunnable, Outcome, Throttled
from statordb.model.tasks import Tasks
from statordb.runtime import leftovers, private_directory, runtimes
from statordb.runtime.code import CodeCache
from statordb.runtime.containment import Containment, Shared
from statordb.runtime.fleet import Fleet, Fleets
from statordb.runtime.instance import Instance
from statordb.runtime.invocation import Invocation
from statordb.runtime.sandbox import Launch
from statordb.runtime.upkeep import Upkeep
from statordb.store.functions.catalog import FunctionRecord

CONCURRENCY_MAX = 64  # invocations at once, of all functions
INSTANCES_MAX = 64  # processes of functions, with those that are kept warm
IDLE_SECONDS_MAX = 300.0  # then an instance is ended
STARTS_MAX = 2 * (os.cpu_count() or 2)  # instances that are being started at once: more would all time out together
START_SECONDS = 1.0  # after which the next may be started, whether this one is done or not
SETTLE_SECONDS = 0.25  # for an instance to ask for the next invocation, before another is started for that
CLOSE_SECONDS_MAX = 5.0  # for the last process to die


class Pool:
    """An Invoker. `directory` is this pool's alone; `endpoint`: the server's URL, for the functions.

    `code` gives a function's deployment package, `session` its role's credentials as environment variables, `now`
    seconds since the epoch. An invocation takes place at once, in a warm instance or in a new one, or is refused:
    nothing queues. `exists` tells whether a function is still there, in this revision; where it is not, its warm
    processes are ended some seconds later, and not only when they are idle for long. Make it in the running event loop,
    of a thread that lives as long as the server. `containment`: what keeps instances together, and from others. Raises
    private_directory.NotPrivate.
    """

    def __init__(
        self,
        directory: Path,
        endpoint: str,
        code: Callable[[FunctionRecord], Awaitable[bytes]],
        session: Callable[[FunctionRecord], Awaitable[Mapping[str, str]]],
        now: Callable[[], float],
        *,
        exists: Callable[[FunctionRecord], Awaitable[bool]] | None = None,
        idle_seconds: float = IDLE_SECONDS_MAX,
        concurrency: int = CONCURRENCY_MAX,
        containment: Containment | None = None,
    ) -> None:
        private_directory.make(directory)
        self._directory = directory.resolve()
        self._homes = self._directory / leftovers.HOMES
        self._endpoint = endpoint
        self._session = session
        self._now = now
        self._concurrency = concurrency
        self._loop = asyncio.get_running_loop()
        self._fleets = Fleets(self._directory / "logs")
        self._invocations: dict[Invocation, Fleet] = {}  # those that run; at most `concurrency`
        self._living: set[asyncio.Future[None]] = set()  # of every instance with a process, to its end
        self._starting = Tasks()  # at most one for each that runs
        self._starts = asyncio.Semaphore(STARTS_MAX)
        self._closed = False
        private_directory.make(self._homes)
        self._code = CodeCache(self._directory / "code", code)
        self._containment = containment or Shared()
        self._containment.prepare(self._directory, self._homes, self._directory / "code")
        self._upkeep = Upkeep(self._fleets, self._code, exists, idle_seconds, self._containment.end_strays)

    async def invoke(
        self, function: FunctionRecord, payload: bytes, *, client_context: str | None = None, request_id: str = ""
    ) -> Outcome:
        """See Invoker. Raises Throttled also when the pool is closed meanwhile."""
        fleet = self._fleets.of(function)
        self._admit(fleet)
        invocation = Invocation(fleet.function, payload, client_context, request_id or str(uuid.uuid4()))
        self._invocations[invocation] = fleet
        fleet.running += 1
        if fleet.watch is not None and self._loop.time() >= fleet.watch.due_at:
            try:
                await fleet.look()
            except BaseException:
                self._release(invocation)
                raise
        if not self._closed:
            self._place(invocation, fleet)
        return await invocation.future

    async def close(self) -> None:
        """End every process. What runs is refused, as throttled: it may run again elsewhere or later."""
        self._closed = True
        self._starting.cancel()
        await self._upkeep.close()
        await self._starting.ended()
        for instance in self._fleets.instances():
            instance.end()
        for invocation in list(self._invocations):
            self._fail(invocation, Throttled(THROTTLED_TOTAL))
        if self._living:
            await asyncio.wait(self._living, timeout=CLOSE_SECONDS_MAX)
        self._containment.end_strays(set())
        for fleet in self._fleets:
            fleet.log.close()

    # From admission to a process

    def _admit(self, fleet: Fleet) -> None:
        concurrency = fleet.function.concurrency
        if concurrency is not None and fleet.running >= concurrency:
            raise Throttled(THROTTLED_RESERVED)
        if self._closed or len(self._invocations) >= self._concurrency:
            raise Throttled(THROTTLED_TOTAL)

    def _place(self, invocation: Invocation, fleet: Fleet) -> None:
        """Give it to a warm instance, or start one."""
        ready = fleet.take_ready()
        if ready is not None:
            ready.offer(invocation)
            return
        settling = fleet.settling()
        if settling is None:
            self._start_for(invocation, fleet)
        else:
            settling.offer(invocation)
            self._loop.call_later(SETTLE_SECONDS, self._give_up, settling, invocation, fleet)

    def _give_up(self, instance: Instance, invocation: Invocation, fleet: Fleet) -> None:
        """An instance still does something else after its answer: leave it to that."""
        if instance.withdraw(invocation):
            self._start_for(invocation, fleet)

    def _start_for(self, invocation: Invocation, fleet: Fleet) -> None:
        self._starting.begin(self._start(invocation, fleet))

    async def _start(self, invocation: Invocation, fleet: Fleet) -> None:
        """Start an instance for it, when it is its turn."""
        try:
            async with self._starts:
                instance = fleet.take_ready()  # one may have become free meanwhile
                if instance is None:
                    instance = await self._started(fleet)
                instance.offer(invocation)
                await asyncio.wait((instance.initialised,), timeout=START_SECONDS)
        except Exception as fault:
            self._fail(invocation, fault)

    async def _started(self, fleet: Fleet) -> Instance:
        """A new instance, which begins. Raises NotRunnable, and what `code` and `session` raise."""
        function = fleet.function
        root = await self._code.root_of(function)
        command = runtimes.command_of(function, root)
        credentials = await self._session(function)
        cell = await self._containment.take(function, root, self._homes)
        self._fleets.make_room(INSTANCES_MAX)
        launch = Launch(command, root, cell, self._endpoint, credentials, self._now)
        instance = Instance(function, launch, fleet.log, self)
        fleet.instances.add(instance)
        try:
            await instance.start()
        except BaseException as fault:
            fleet.forget(instance)
            await cell.clear()
            if isinstance(fault, (OSError, ValueError)):  # ValueError: variables that no process can have
                raise NotRunnable(f"The function {function.name} can't be started: {fault}.") from fault
            raise
        self._living.add(instance.sandbox.gone)
        instance.sandbox.gone.add_done_callback(self._living.discard)
        if function.revision != fleet.function.revision:
            instance.retire()
        return instance

    # What instances tell (Owner)

    def ready(self, instance: Instance) -> None:
        self._fleets.owning(instance).ready.append(instance)

    def unready(self, instance: Instance) -> None:
        self._fleets.owning(instance).unready(instance)

    def finished(self, instance: Instance, invocation: Invocation, outcome: Outcome) -> None:
        self._release(invocation)
        if not invocation.future.done():
            invocation.future.set_result(outcome)

    def undelivered(self, instance: Instance, invocation: Invocation) -> None:
        fleet = self._invocations.get(invocation)
        if fleet is not None and not self._closed:
            self._place(invocation, fleet)

    def ended(self, instance: Instance) -> None:
        self._fleets.owning(instance).forget(instance)

    def _fail(self, invocation: Invocation, fault: Exception) -> None:
        self._release(invocation)
        if not invocation.future.done():
            invocation.future.set_exception(fault)

    def _release(self, invocation: Invocation) -> None:
        fleet = self._invocations.pop(invocation, None)
        if fleet is not None:
            fleet.running -= 1
