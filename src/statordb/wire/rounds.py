"""Turns of the event loop that connections take for what they need not have at once.

What a client sends first is begun as soon as it is read. What it sends ahead, and the slices of large reads and large
answers, share a millisecond of each round of the loop, so that ten clients that send a hundred requests at once cost
the others little more than one would.
"""

from collections import deque
from collections.abc import Callable

AHEAD_SECONDS = 0.001  # of each round, for requests that were sent ahead

Defer = Callable[[Callable[[], None]], object]
"""Has a callback called soon, as the event loop's `call_soon`."""

Slices = Callable[[object, Callable[[], None]], object]
"""slices(source, work): has `work`, which raises nothing, done in a turn of `source`."""


class Rounds:
    """Shared by the connections of a worker. Without `defer` nothing waits for a later round.

    A connection waits with at most two callbacks, one to read on and one to answer on, so that those who wait are
    bounded by the connections.
    """

    __slots__ = ("_defer", "_ends", "_running", "_waiting")

    def __init__(self, defer: Defer | None = None) -> None:
        self._defer = defer
        self._ends: float | None = None  # when this round has given away its time; None before anybody has asked
        self._running = False
        self._waiting: deque[Callable[[], None]] = deque()

    def allows(self, now: float) -> bool:
        """Whether another request that was sent ahead may be begun in this round. `now` is monotonic, in seconds."""
        if self._defer is None:
            return True
        ends = self._ends
        if ends is None:
            self._ends = now + AHEAD_SECONDS
            self._defer(self._end)
            return True
        return now < ends

    def later(self, work: Callable[[], None]) -> None:
        """Call `work`, which raises nothing, in a later round: in each round that of one who waits."""
        self._waiting.append(work)
        if self._defer is None:
            self._run_all()
        elif len(self._waiting) == 1:
            self._defer(self._run)

    def slice(self, source: object, work: Callable[[], None]) -> None:
        """The same, for want of turns that are shared with others."""
        self.later(work)

    def _end(self) -> None:
        self._ends = None

    def _run(self) -> None:
        work = self._waiting.popleft()
        if self._waiting:
            self._defer(self._run)  # type: ignore[misc]  # only those with `defer` get here
        work()

    def _run_all(self) -> None:
        if self._running:
            return
        self._running = True
        while self._waiting:
            self._waiting.popleft()()
        self._running = False
