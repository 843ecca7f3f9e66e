"""What a lane may keep of the memory that large requests took."""

import re
import sys
from pathlib import Path

from statordb.model.limits import KIB, MIB
from statordb.server.concealment import dumpable

MEMORY_BYTES_MAX = 256 * MIB  # between two requests
OUT_OF_MEMORY_SCORE = 500  # the kernel, when it is out of memory, ends lanes before what serves everybody
_SCORE = Path("/proc/self/oom_score_adj")
_STATUS = Path("/proc/self/status")
_ANONYMOUS = re.compile(rb"^RssAnon:\s+([0-9]+) kB", re.MULTILINE)


def is_grown() -> bool:
    """Whether this process holds so much that its successor should go on in its place."""
    if sys.platform != "linux":
        return False
    found = _ANONYMOUS.search(_STATUS.read_bytes())
    return found is not None and int(found[1]) * KIB > MEMORY_BYTES_MAX


def come_first() -> None:
    """Have the kernel end this process first where memory runs out."""
    if sys.platform != "linux" or int(_SCORE.read_text()) >= OUT_OF_MEMORY_SCORE:  # to lower it may not be allowed
        return
    with dumpable():
        _SCORE.write_text(str(OUT_OF_MEMORY_SCORE))
