"""One instance of a function: a process that takes one invocation after the other.

    STARTING --polled--> READY --offer--> BUSY --answered--> SETTLING --polled--> READY ...

An answer goes to the caller at once; the instance can take the next invocation when its runtime asks for it, which is
SETTLING. An invocation that is offered before the runtime asks is held until then. Every other way leads to ENDED.
"""

import asyncio
from collections.abc import Callable, Iterable
from enum import Enum, auto
from typing import Protocol

from statordb.model.invocation import UNHANDLED, Outcome
from statordb.runtime import endings
from statordb.runtime.endings import Ending
from statordb.runtime.invocation import Invocation
from statordb.runtime.output import LogFile
from statordb.runtime.runtime_api import (
    ACCEPTED,
    INVALID_REQUEST_ID,
    INVALID_STATE,
    TOO_LARGE,
    RuntimeConnection,
    RuntimeReply,
)
from statordb.runtime.sandbox import Launch, Sandbox
from statordb.store.functions.catalog import FunctionRecord

INIT_SECONDS_MAX = 10.0  # Lambda quotas: the init phase; see init_seconds_max
GRACE_SECONDS = 0.5  # between SIGTERM and SIGKILL, for an instance that is not needed any more


class State(Enum):
    STARTING = auto()
    READY = auto()
    BUSY = auto()
    SETTLING = auto()
    ENDED = auto()


class Owner(Protocol):
    """Who is told what becomes of an instance."""

    def ready(self, instance: "Instance") -> None:
        """It can take an invocation at once."""

    def unready(self, instance: "Instance") -> None:
        """It can't any more, though it lives on."""

    def finished(self, instance: "Instance", invocation: Invocation, outcome: Outcome) -> None:
        """The invocation has its outcome; the instance is SETTLING or ENDED."""

    def undelivered(self, instance: "Instance", invocation: Invocation) -> None:
        """The instance ended before it was handed the invocation, for no fault of that."""

    def ended(self, instance: "Instance") -> None:
        """It takes no more. Its process may take a while to die: `sandbox.gone`."""


def init_seconds_max(function: FunctionRecord) -> float:
    """How long init may take. Lambda repeats one that is longer than the bound within the first invocation, under the
    function's own timeout; here it goes on instead."""
    return max(INIT_SECONDS_MAX, function.timeout_seconds)


class Instance:
    """Runs `function` in a sandbox as `launch` says. `start` it once."""

    def __init__(self, function: FunctionRecord, launch: Launch, log: LogFile, owner: Owner) -> None:
        self._loop = asyncio.get_running_loop()
        self.function = function
        self.root = launch.root
        self.mark = launch.cell.home.name  # which all its processes have in their environment
        self.state = State.STARTING
        self.since = self.born_at = self._loop.time()  # `since`: when it came to its state
        self.retiring = False  # to end when it has nothing to do
        self.initialised: asyncio.Future[None] = self._loop.create_future()  # or ended before it was
        self._now = launch.now
        self._owner = owner
        self.sandbox = Sandbox(function, launch, log, self, self._exited)
        self._poll: RuntimeConnection | None = None
        self._held: Invocation | None = None
        self._current: Invocation | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._init_ms: float | None = None  # for the REPORT line of the first invocation

    async def start(self) -> None:
        """Begin the process. Raises OSError; nothing is left then but the home."""
        await self.sandbox.start()
        self._timer = self._loop.call_later(init_seconds_max(self.function), self._overdue)

    @property
    def holds(self) -> bool:
        """Whether an invocation waits for it to ask."""
        return self._held is not None

    def offer(self, invocation: Invocation) -> None:
        """Hand over an invocation, now or as soon as the runtime asks for one."""
        assert self._held is None
        assert self.state in (State.STARTING, State.READY, State.SETTLING)
        if self._poll is not None:
            self._deliver(invocation, self._poll)
        else:
            self._held = invocation

    def withdraw(self, invocation: Invocation) -> bool:
        """Take back an invocation that was offered; False if it has been handed over."""
        if self._held is not invocation:
            return False
        self._held = None
        return True

    def retire(self) -> None:
        """End when what it does is done."""
        self.retiring = True
        if self.state is State.READY or (self.state is State.SETTLING and self._held is None):
            self.end()

    def end(self) -> None:
        """End now, with a little time for the process's own handlers."""
        if self.state is not State.ENDED:
            self._become_ended()
            self.sandbox.terminate()
            self._timer = self._loop.call_later(GRACE_SECONDS, self.sandbox.kill)

    async def measure(self, members: Iterable[int] = (), *, thoroughly: bool = False) -> None:
        """End its processes if they use more than the function may. The arguments are the sandbox's."""
        excess = await self.sandbox.excess(members, thoroughly=thoroughly) if self.state is not State.ENDED else None
        if excess is not None:
            self._fail(lambda invocation: excess(invocation.request_id))

    # What the runtime says

    def polled(self, connection: RuntimeConnection) -> RuntimeReply | None:
        if self.state in (State.BUSY, State.ENDED) or self._poll is not None:
            return INVALID_STATE
        self._stop_timer()
        if self.state is State.STARTING:
            self._init_ms = (self._loop.time() - self.born_at) * 1000
        held, self._held = self._held, None
        if held is not None:
            self._deliver(held, connection)
            return None
        self._poll = connection
        self._become(State.READY)
        if self.retiring:
            self.end()
        else:
            self._owner.ready(self)
        return None

    def unpolled(self, connection: RuntimeConnection) -> None:
        if self._poll is connection:
            self._poll = None
            if self.state is State.READY:
                self._become(State.SETTLING)
                self._owner.unready(self)

    def answered(self, request_id: str, body: bytes | None) -> RuntimeReply:
        if self.state is not State.BUSY or self._current is None:
            return INVALID_STATE
        if request_id != self._current.request_id:
            return INVALID_REQUEST_ID
        if body is None:
            ending = endings.response_too_large(request_id)
            self._finish(ending.payload, UNHANDLED, ending)
            return TOO_LARGE
        self._finish(body, None)
        return ACCEPTED

    def failed(self, request_id: str, body: bytes | None, error_type: str) -> RuntimeReply:
        if self.state is not State.BUSY or self._current is None:
            return INVALID_STATE
        if request_id != self._current.request_id:
            return INVALID_REQUEST_ID
        self._finish(endings.reported(body, error_type), UNHANDLED)
        return ACCEPTED

    def init_failed(self, body: bytes | None, error_type: str) -> RuntimeReply:
        if self.state is not State.STARTING:
            return INVALID_STATE
        self._loop.call_soon(self._fail, lambda _: endings.init_failed(body, error_type))  # after our answer
        return ACCEPTED

    # What becomes of it

    def _deliver(self, invocation: Invocation, connection: RuntimeConnection) -> None:
        self._poll = None
        self._current = invocation
        self._become(State.BUSY)
        self._timer = self._loop.call_later(invocation.function.timeout_seconds, self._overdue)
        self.sandbox.begin_log(invocation)
        connection.send_event(invocation.head(self._now()), invocation.payload)

    def _finish(self, payload: bytes, error: str | None, ending: Ending | None = None) -> None:
        """The runtime has told how the invocation ended, and will ask for another."""
        invocation, self._current = self._current, None
        assert invocation is not None
        elapsed_ms = self._elapsed_ms()
        self._become(State.SETTLING)  # with the invocation's timer, which bounds this too
        self._tell(invocation, payload, error, elapsed_ms, ending)

    def _fail(self, ending_of: Callable[[Invocation], Ending]) -> None:
        """Kill it, and let the invocation that it has to do with end so."""
        if self.state is State.ENDED:
            return
        was, elapsed_ms = self.state, self._elapsed_ms()
        held, current = self._held, self._current
        self._held = self._current = None
        self.sandbox.kill()
        self._become_ended()
        invocation = held if was is State.STARTING else current
        if invocation is not None:
            ending = ending_of(invocation)
            self._tell(invocation, ending.payload, UNHANDLED, elapsed_ms, ending)
        elif held is not None:
            self._owner.undelivered(self, held)

    def _tell(
        self, invocation: Invocation, payload: bytes, error: str | None, elapsed_ms: float, ending: Ending | None
    ) -> None:
        """End the invocation's log, and hand its outcome on."""
        init_ms, self._init_ms = self._init_ms, None
        outcome = self.sandbox.end_log(invocation, payload, error, elapsed_ms, init_ms, ending)
        self._owner.finished(self, invocation, outcome)

    def _elapsed_ms(self) -> float:
        return (self._loop.time() - self.since) * 1000 if self.state is State.BUSY else 0.0

    def _overdue(self) -> None:
        """The timer of what it does has run out."""
        if self.state is State.BUSY:
            self._fail(
                lambda invocation: endings.timed_out(
                    invocation.request_id, invocation.function.timeout_seconds, self._now()
                )
            )
        else:
            seconds = init_seconds_max(self.function)
            self._fail(lambda invocation: endings.init_timed_out(invocation.request_id, seconds))

    def _become(self, state: State) -> None:
        if self.state is State.STARTING:
            self.initialised.set_result(None)
        self.state = state
        self.since = self._loop.time()

    def _become_ended(self) -> None:
        self._stop_timer()
        self._poll = None
        self.sandbox.silence()
        self._become(State.ENDED)
        self._owner.ended(self)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _exited(self, code: int) -> None:
        self._fail(lambda invocation: endings.exited(invocation.request_id, code))
        self._stop_timer()
