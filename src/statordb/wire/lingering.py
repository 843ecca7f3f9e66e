"""A client that was refused is read from until it has read why; what it sends meanwhile is thrown away."""

from collections.abc import Callable

from statordb.wire.context import WireContext


class Lingering:
    """Of one connection, once no more requests are taken on it. `read_on` has it look again whether it reads."""

    __slots__ = ("_bytes", "_context", "_read_on", "has_begun", "rests")

    def __init__(self, context: WireContext, read_on: Callable[[], None]) -> None:
        self._context = context
        self._read_on = read_on
        self._bytes = 0
        self.has_begun = False
        self.rests = False  # what is thrown away comes at a pace

    def discard(self, size: int) -> bool:
        """Throw away bytes that came; False if the client has sent more than it may."""
        self._bytes += size
        if self.has_begun:
            if self._bytes > self._context.settings.linger_bytes_max:
                return False
            if not self._context.discards.add(size, self._rested):
                return True
            self.rests = True
        self._read_on()
        return True

    def _rested(self) -> None:
        self.rests = False
        self._read_on()
