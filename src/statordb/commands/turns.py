"""Who may hold the event loop next: long work is done in slices, and others run between them.

At most one slice runs in ROUNDS_OF_A_SLICE rounds of the loop, whatever asks for it: a write takes several rounds from
its request to its answer, and would else wait for a slice in each. While a write is under way, the loop rests between
two slices too: a round of it takes no time where nothing is ready, and the threads that write need theirs. Who waits
takes turns by source (the connection): what one client has sent at once waits behind the first slice of every other.
Sources that have had no slice yet take turns with those that have had one, since most requests need no second: a page
of a few rows waits for one slice of a long one, not for one of each that is under way.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from time import perf_counter

from statordb.commands.under_way import UnderWay
from statordb.model.budget import UNBOUNDED, Budget
from statordb.model.pending import Pending

SLICE_SECONDS = 0.001
UNTAKEN_SECONDS_MAX = 0.0005  # of short work that goes on without turns
ROUNDS_OF_A_SLICE = 3  # its own, and those in which nothing but short work runs
REST_SECONDS = 0.001  # of the loop between two slices, where others wait for other threads
LONG_SECONDS = 0.002  # a slice that could not be cut, behind which they have as long for themselves
LONG_REST_SECONDS_MAX = 0.01
AWAY_MAX = 48  # writes of batches that are under way, where each is waited for
ROWS_UNTIMED_MAX = 8  # small rows between two looks at the clock
ROW_UNTIMED_BYTES_MAX = 4096  # a larger one is looked up behind at once

Clock = Callable[[], float]


def nobody() -> bool:
    """Nobody waits for other threads."""
    return False


class Waiting:
    """Who waits for a slice, by source, in the order of their turns: one that has had none yet, then one that has."""

    __slots__ = ("_begun", "_begun_next", "_fresh", "_turns")

    def __init__(self) -> None:
        self._fresh: deque[object] = deque()  # sources
        self._begun: deque[object] = deque()
        self._begun_next = False
        self._turns: dict[object, deque[Pending[None]]] = {}

    def __len__(self) -> int:
        """How many sources wait."""
        return len(self._turns)

    @property
    def any_fresh(self) -> bool:
        return bool(self._fresh)

    def add(self, source: object, turn: Pending[None], first: bool) -> None:
        queue = self._turns.get(source)
        if queue is None:
            queue = self._turns[source] = deque()
            (self._begun if first else self._fresh).append(source)
        if first:
            queue.appendleft(turn)
        else:
            queue.append(turn)

    def take(self) -> Pending[None]:
        """The next one. There must be one."""
        is_begun = self._begun_next if self._fresh and self._begun else not self._fresh
        self._begun_next = not is_begun
        source = (self._begun if is_begun else self._fresh).popleft()
        queue = self._turns[source]
        turn = queue.popleft()
        if queue:
            self._begun.append(source)
        else:
            del self._turns[source]
        return turn


class Turns:
    """A process's scheduler of slices, for one event loop at a time. What waits is bounded by what the wire takes."""

    __slots__ = ("_is_waited_for", "_loop", "_shared_until", "_used", "_waiting", "away", "clock", "taken", "under_way")

    def __init__(self, clock: Clock = perf_counter, is_waited_for: Callable[[], bool] = nobody) -> None:
        """`clock` tells seconds, from any moment on; `is_waited_for` whether somebody waits for what threads do
        between two rounds of the loop."""
        self.clock = clock
        self._is_waited_for = is_waited_for
        self.away = asyncio.Semaphore(AWAY_MAX)  # held by each write of a batch to a store elsewhere
        self.under_way = UnderWay()  # the writes of batches to a store that is here
        self.taken = False  # these rounds of the loop have their slice, or somebody waits for the next
        self._used = 0.0  # seconds of short work that was done without a turn since the last one
        self._shared_until = 0.0  # the slice that runs has time for short work of others
        self._waiting = Waiting()
        self._loop: asyncio.AbstractEventLoop | None = None

    def is_free(self) -> bool:
        """Whether short work may be done now: nobody has these rounds, or their slice has only just begun."""
        return not self.taken or self.clock() < self._shared_until

    def take(self) -> None:
        """A slice runs in these rounds: who asks from here on waits for others."""
        if not self.taken:
            self.taken = True
            self._running_loop().call_soon(self._pass, 1)

    def use(self, seconds: float) -> None:
        """So much was done without a turn: a short page is no slice, but many of them are."""
        self._used += seconds
        if self._used >= UNTAKEN_SECONDS_MAX:
            self.take()

    def wait(self, source: object, first: bool = False) -> Pending[None]:
        """The next round for a slice of `source`; `first`: of what is under way, before what else of it waits."""
        turn: Pending[None] = Pending(self._running_loop())
        self._waiting.add(source, turn, first)
        self.take()
        return turn

    def later(self, source: object, work: Callable[[], None]) -> None:
        """Have `work` done as a slice of `source`, before what else of that source waits; now, if nobody has these
        rounds."""
        if self.taken:
            self.wait(source, first=True).add_done_callback(lambda _: work())
        else:
            self.take()
            self._shared_until = self.clock() + UNTAKEN_SECONDS_MAX
            work()

    def _pass(self, rounds: int) -> None:
        """Let short work have the rounds that are left of a slice's, of which some have passed."""
        if rounds == ROUNDS_OF_A_SLICE:
            rest = self._rest()
            if rest:
                self._running_loop().call_later(rest, self._next)
            else:
                self._next()
        else:
            self._running_loop().call_soon(self._pass, rounds + 1)

    def _rest(self) -> float:
        """Seconds that the loop rests before the next slice."""
        if not self._is_waited_for():
            return 0.0
        if self._used > LONG_SECONDS:
            return min(self._used, LONG_REST_SECONDS_MAX)
        return REST_SECONDS if self._waiting and not self._waiting.any_fresh else 0.0

    def _next(self) -> None:
        """Have the next in line run its slice; several, if they are short."""
        self._used = 0.0
        began = self.clock()
        self._shared_until = began + UNTAKEN_SECONDS_MAX
        try:
            while self._waiting and self._used < UNTAKEN_SECONDS_MAX:
                self._waiting.take().set_result(None)
                self._used = self.clock() - began
        finally:  # whatever becomes of a slice
            if self._waiting or self._used >= UNTAKEN_SECONDS_MAX:
                self._running_loop().call_soon(self._pass, 1)
            else:
                self.taken = False

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        """The loop that runs now. Asking asyncio costs a system call, so the last one is asked first."""
        loop = self._loop
        if loop is None or not loop.is_running():
            if loop is not None:  # what it had begun is gone with it
                self.taken = False
                self._waiting = Waiting()
                self.under_way = UnderWay()
            loop = self._loop = asyncio.get_running_loop()
        return loop


class Turn:
    """One request's share of the turns, and of its budget of work.

    `begin` waits for the first slice, if this round of the loop is taken; `due` says when a slice is over, `over` waits
    for the next, and `end` is called behind the last.
    """

    __slots__ = ("_clock", "_source", "_turns", "_unlooked", "_until", "_waited", "budget")

    def __init__(self, turns: Turns, source: object = None, budget: Budget = UNBOUNDED) -> None:
        self.budget = budget
        self._turns = turns
        self._source = source
        self._clock = turns.clock
        self._until = 0.0
        self._unlooked = 0
        self._waited = False

    async def begin(self) -> None:
        turns = self._turns
        if turns.taken:
            await turns.wait(self._source)
            self._waited = True
        self._begin()

    def due(self, size: int = ROW_UNTIMED_BYTES_MAX) -> bool:
        """Whether it is time to let others run, after a row of `size` bytes: the clock is looked at every few rows."""
        self._unlooked += 1
        if self._unlooked < ROWS_UNTIMED_MAX and size < ROW_UNTIMED_BYTES_MAX:
            return False
        self._unlooked = 0
        return self._clock() >= self._until

    async def passed(self, size: int) -> None:
        """Let others run if it is time for that, after a row of `size` bytes."""
        if self.due(size):
            await self.over()

    async def over(self) -> None:
        """Let others run."""
        await self._turns.wait(self._source, first=True)
        self._waited = True
        self._begin()

    def fill(self) -> None:
        """What comes now is about as much as a slice, in one go."""
        self._turns.take()

    def end(self) -> None:
        """There is nothing more to do."""
        if not self._waited:
            self._turns.use(self._clock() - self._until + SLICE_SECONDS)

    def _begin(self) -> None:
        self._until = self._clock() + SLICE_SECONDS
        self._unlooked = 0
        self.budget.renew()
