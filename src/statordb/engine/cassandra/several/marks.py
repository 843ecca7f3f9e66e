"""How long the marks of transactions stand, as this process sees it.

No clock of another machine is asked: one that is fast would make rows of the dead unreachable for as long as it is
ahead, and one that is slow would have its living transactions aborted by whoever meets them.
"""

import time
from collections.abc import Callable

MARK_SECONDS = 3.0  # a transaction that is seen to hold rows longer is finished or undone by whoever meets it
MARKS_MAX = 10_000  # that are remembered; the oldest are forgotten first, and begin anew


class Marks:
    """`now`: seconds of a clock that never goes back."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._since: dict[bytes, float] = {}

    def is_old(self, mark: bytes) -> bool:
        """Whether a mark that is met has been standing for too long. Ids are never used again, so what is met twice
        stood all the time."""
        since = self._since.get(mark)
        if since is not None:
            return self._now() - since > MARK_SECONDS
        if len(self._since) >= MARKS_MAX:
            del self._since[next(iter(self._since))]
        self._since[mark] = self._now()
        return False
