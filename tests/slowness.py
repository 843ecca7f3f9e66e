"""How slow the machine is that tests run on, beside the one that their bounds of processor time were chosen on.

A virtual processor loses moments to others that no one here sees. So `make check`, which is run on every change, and a
test that is run by itself are held to the bounds themselves, and `make test` only to some times as much.
"""

import os
import time
from functools import lru_cache

SAMPLE_SECONDS = 0.004  # what the sample took there, with nothing beside
SAMPLES = 5
LOAD_MAX = 1.25  # runnable processes for each processor, ours with them; with more, times say little
LENIENT = "STATORDB_TEST_LENIENT"  # environment variable: this run is one of everything


def is_exact() -> bool:
    """Whether this run holds tests to the bounds themselves."""
    return LENIENT not in os.environ


def load() -> float:
    """Runnable processes for each processor."""
    return os.getloadavg()[0] / (os.cpu_count() or 1)


def slowness() -> float:
    """How many times longer this machine takes now for a sample of work; at least 1."""
    return max(1.0, min(_sample() for _ in range(SAMPLES)) / SAMPLE_SECONDS)


@lru_cache(maxsize=1)
def slowness_at_first() -> float:
    """The same, measured once."""
    return slowness()


def _sample() -> float:
    """Seconds of this thread for a fixed piece of work that is like a test's: small objects, dictionaries, text."""
    began = time.thread_time()
    table: dict[int, int] = {}
    for number in range(20_000):
        table[number % 997] = table.get(number % 991, 0) + number
        str(number).encode()
    return time.thread_time() - began
