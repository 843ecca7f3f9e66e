"""Turns of the event loop that connections take for what they need not have at once.

What a client sends first is begun as soon as it is read. What it sends ahead, and the slices of large reads, share a
millisecond of a turn that is taken from those of all slices: so ten clients that send a hundred requests at once cost
the others little more than one would, and the threads that write have their time between two turns.
"""

from collections import deque
from collections.abc import Callable

AHEAD_SECONDS = 0.001  # of a turn, for requests that were sent ahead

Defer = Callable[[Callable[[], None]], object]
"""Has a callback called soon, as the event loop's `call_soon`."""

Slices = Callable[[object, Callable[[], None]], object]
"""slices(source, work): has `work`, which raises nothing, done in a turn of `source`."""


class Rounds:
    """Shared by the connections of a worker. Without `defer` nothing waits for a later round; without `slices` there is
    a turn in each of them.

    A connection waits with at most two callbacks, one to read on and one to answer on, so that those who wait are
    bounded by the connections.
    """

    __slots__ = ("_asked", "_defer", "_ends", "_monotonic", "_running", "_slices", "_waiting")

    def __init__(
        self, monotonic: Callable[[], float], defer: Defer | None = None, slices: Slices | None = None
    ) -> None:
        self._monotonic = monotonic
        self._defer = defer
        self._slices = slices
        self._ends = 0.0  # when the last turn has given away its time
        self._asked = False  # for the next turn
        self._running = False
        self._waiting: deque[Callable[[], None]] = deque()

    def allows(self, now: float) -> bool:
        """Whether another request that was sent ahead may be begun now. `now` is monotonic, in seconds."""
        if now < self._ends or self._defer is None:
            return True
        if not self._asked:
            self._asked = True
            self._ask()
        return now < self._ends

    def later(self, work: Callable[[], None]) -> None:
        """Call `work`, which raises nothing, in a later round: each who waits has one in a turn, if there is time."""
        self._waiting.append(work)
        if self._defer is None:
            self._run_all()
        elif not self._asked:
            self._asked = True
            # Not `_ask` at once: a turn that is free begins within the call.
            self._defer(self._turn if self._slices is None else self._ask)

    def slice(self, source: object, work: Callable[[], None]) -> None:
        """The same, for want of turns that are shared with others."""
        self.later(work)

    def _ask(self) -> None:
        if self._slices is not None:
            self._slices(self, self._turn)
        elif self._defer is not None:
            self._defer(self._turn)

    def _turn(self) -> None:
        self._asked = False
        waiting, monotonic = self._waiting, self._monotonic
        ends = self._ends = monotonic() + AHEAD_SECONDS
        for _ in range(len(waiting)):
            waiting.popleft()()
            if monotonic() >= ends:
                break
        if waiting and not self._asked:
            self._asked = True
            self._ask()

    def _run_all(self) -> None:
        if self._running:
            return
        self._running = True
        while self._waiting:
            self._waiting.popleft()()
        self._running = False
