"""How much of a long work is done in one run."""

from collections.abc import Callable

PIECES_MIN = 8  # which are done however slow the machine is


class Share:
    """Of one run: so many pieces, and more as long as its seconds last."""

    __slots__ = ("_monotonic", "_pieces", "_until")

    def __init__(self, monotonic: Callable[[], float], seconds: float) -> None:
        self._monotonic = monotonic
        self._until = monotonic() + seconds
        self._pieces = 0

    def left(self) -> bool:
        """Whether one more piece may be begun; it counts as one."""
        self._pieces += 1
        return self._pieces <= PIECES_MIN or self._monotonic() < self._until
