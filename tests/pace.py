"""How much the long tests do: a short history of each kind in `make test`, long ones in `make soak`.

What a test wants done is counted, never timed: a slow machine takes longer for the same work. Deadlines are there to
end what hangs, and so generous that no busy machine meets them.
"""

import asyncio
import os
import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

SOAK = "STATORDB_TEST_SOAK"  # environment variable, set by `make soak`
HANGS_SECONDS = 240.0  # a wait for what takes seconds on a quiet machine
PATIENT: dict[str, Any] = {"connect_timeout": HANGS_SECONDS, "read_timeout": HANGS_SECONDS}  # options of botocore


class Hangs(Exception):
    """Something did not come about in `HANGS_SECONDS`."""


def much(short: T, soak: T) -> T:
    """The first of two amounts in `make test`, the second in `make soak`."""
    return soak if os.environ.get(SOAK) else short


def until(comes: Callable[[], T | None], what: str, every_seconds: float = 0.02) -> T:
    """Wait for something that will come if nothing hangs: the first true answer. `what` it is."""
    deadline = time.monotonic() + HANGS_SECONDS
    while not (found := comes()):
        if time.monotonic() >= deadline:
            raise Hangs(f"{what}: not after {HANGS_SECONDS:.0f} s")
        time.sleep(every_seconds)
    return found


async def come_about(comes: Callable[[], T | None], what: str = "it", every_seconds: float = 0.005) -> T:
    """The same in an event loop, which goes on meanwhile."""
    deadline = time.monotonic() + HANGS_SECONDS
    while not (found := comes()):
        if time.monotonic() >= deadline:
            raise Hangs(f"{what}: not after {HANGS_SECONDS:.0f} s")
        await asyncio.sleep(every_seconds)
    return found
