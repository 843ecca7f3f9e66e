"""A loop that stands for too long fails its test: how long an event loop was busy in one go, in processor time.

Processor time of the loop's thread, without that of the collector of cyclic garbage, which in a test has the whole test
session to look through. So neither a busy machine nor other tests make a loop stand; how fast this machine is, is
measured.
"""

import asyncio
import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.slowness import LOAD_MAX, load, slowness, slowness_at_first

STALL_SECONDS_MAX = 0.020  # on the machine that tests/slowness.py compares others with
BUSY_TIMES = 3.0  # as much is let off where others keep the machine busy
ALL_TIMES = 15.0  # and in a run of everything, of which nobody may say that the machine was too slow


class Stall:
    """The longest that a loop was busy in one go: seconds, and what it did then."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.what = ""

    def allowed(self, exact: bool = True) -> bool:
        """Whether it is short enough for this machine, as fast as it is now: its speed changes from one ms to the
        next where others keep it busy."""
        if self.seconds <= STALL_SECONDS_MAX * slowness_at_first():
            return True
        times = ALL_TIMES if not exact else BUSY_TIMES if load() > LOAD_MAX else 1.0
        return self.seconds <= STALL_SECONDS_MAX * times * slowness()


@contextmanager
def watched(stall: Stall) -> Iterator[None]:
    """Note in `stall` the longest run of any callback of asyncio's own event loops, in any thread."""
    handle: Any = asyncio.Handle
    run: Callable[[Any], None] = handle._run
    collecting = 0.0
    collected = 0.0

    def note_collection(phase: str, _: dict[str, int]) -> None:
        nonlocal collecting, collected
        if phase == "start":
            collecting = time.thread_time()
        else:
            collected += time.thread_time() - collecting

    def timed(self: Any) -> None:
        nonlocal collected
        collected = 0.0
        began = time.thread_time()
        run(self)
        seconds = time.thread_time() - began - collected
        if seconds > stall.seconds:
            stall.seconds, stall.what = seconds, repr(self)

    gc.callbacks.append(note_collection)
    handle._run = timed
    try:
        yield
    finally:
        handle._run = run
        gc.callbacks.remove(note_collection)
