"""How much the long tests do: a short history of each kind in `make test`, long ones in `make soak`.

What a test wants done is counted, never timed: a slow machine takes longer for the same work. Deadlines are there to
end what hangs, and so generous that no busy machine meets them.
"""

import os
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

SOAK = "STATORDB_TEST_SOAK"  # environment variable, set by `make soak`
HANGS_SECONDS = 240.0  # a wait for what takes seconds on a quiet machine


def much(short: T, soak: T) -> T:
    """The first of two amounts in `make test`, the second in `make soak`."""
    return soak if os.environ.get(SOAK) else short


def until(holds: Callable[[], bool], what: str, every_seconds: float = 0.02) -> None:
    """Wait for something that will come if nothing hangs."""
    deadline = time.monotonic() + HANGS_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not after {HANGS_SECONDS:.0f} s"
        time.sleep(every_seconds)
