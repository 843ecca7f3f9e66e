"""How much memory a function uses, and the bound on it. Linux only: elsewhere nothing is measured, nothing bounded."""

from collections.abc import Iterable
from typing import NamedTuple

from statordb.runtime import processes

MIB = 1024 * 1024
SAMPLE_SECONDS = 0.1  # between two looks at an instance that is busy
SURVEY_SAMPLES = 10  # every so many looks, those children are found too whose parents have gone


class Usage(NamedTuple):
    """Bytes in memory, and of files that are the instance's alone as far as somebody looked at them."""

    memory: int
    files: int = 0


def used_bytes(pids: Iterable[int], bound: int) -> int:
    """What the processes have in memory. Where the quick sum, which counts shared pages for each process, is beyond
    the bound, the exact one is taken."""
    pids = list(pids)
    used = sum(map(processes.resident_bytes, pids))
    if used > bound and len(pids) > 1:
        return sum(map(processes.proportional_bytes, pids))
    return used
