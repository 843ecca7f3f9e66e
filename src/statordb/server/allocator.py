"""Memory of large buffers is used again, not given back to the kernel and taken anew.

An item of 400 KB is copied a few times on its way out. The C library gives back what is as large as that at once, and
each new page of memory costs a fault: 0.15 ms for a copy that takes 0.01 ms, on the event loop.
"""

import ctypes
import sys

from statordb.model.limits import MIB

KEPT_BYTES_MAX = 16 * MIB  # of free memory at the end of the heap
SHARED_BYTES_MAX = 4 * MIB  # of a buffer that comes out of the heap; a larger one has pages of its own
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h of the GNU C library


def keep_large_buffers() -> bool:
    """For this process. Returns whether the C library can; what can't does as it always did."""
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_TRIM_THRESHOLD, KEPT_BYTES_MAX) and mallopt(_MMAP_THRESHOLD, SHARED_BYTES_MAX))
