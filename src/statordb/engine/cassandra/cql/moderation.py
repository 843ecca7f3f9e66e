"""Fewer and fuller turns of the event loop while several requests are under way, as network cards moderate interrupts.

Answers of Cassandra, and clients that then ask again, come one at a time. A loop that wakes up for each of them pays
for the waking, here and in all threads that it wakes in turn, several times what the work itself costs: on two cores
that nodes, server and load share, a pause of 0.2 ms in each turn lets 16 clients have a fifth more of answers, each of
them sooner. A loop that is busy anyway finds its turns full, and does not pause; nor does one that is asked seldom.
"""

import time
from collections.abc import Callable
from types import TracebackType

MANY = 4  # requests under way; fewer are waited for without a pause
PAUSE_SECONDS = 0.0002
WINDOW_SECONDS = 0.02  # after each it is decided anew whether to pause
FREQUENT = 10  # requests of a window; where fewer are begun, a pause gathers nothing
BUSY_SHARE = 0.5  # of a window that the thread works; above, its turns are full without pauses


class Moderation:
    """Counts requests, as a context around each; one thread. Pauses block the event loop, which is what they are for.

    `spent`: seconds that the thread of the loop has worked.
    """

    def __init__(
        self,
        call_soon: Callable[[Callable[[], None]], object],
        now: Callable[[], float] = time.monotonic,
        spent: Callable[[], float] = time.thread_time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._call_soon = call_soon
        self._now = now
        self._spent = spent
        self._sleep = sleep
        self._under_way = self._begun = 0
        self._due = False
        self._pays = False
        self._window = now(), spent()

    def __enter__(self) -> None:
        self._begun += 1
        self._under_way += 1
        if self._under_way >= MANY and not self._due:
            self._due = True
            self._call_soon(self._pause)

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self._under_way -= 1

    def _pause(self) -> None:
        """Once in a turn in which requests were begun."""
        self._due = False
        now = self._now()
        since, worked = self._window
        passed = now - since
        if passed >= WINDOW_SECONDS:
            spent = self._spent()
            self._pays = self._begun * WINDOW_SECONDS >= FREQUENT * passed and spent - worked <= BUSY_SHARE * passed
            self._window = now, spent
            self._begun = 0
        if self._pays:
            self._sleep(PAUSE_SECONDS)
