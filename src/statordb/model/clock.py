"""Where time comes from: handed in, so that expiry, tokens and signatures can be tested by moving the clock."""

import time
from typing import Protocol


class Clock(Protocol):
    """A source of wall time."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...


class SystemClock:
    """The machine's own wall time."""

    now = staticmethod(time.time)


class ManualClock:
    """A clock that stands until it is moved."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._now = start

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds
