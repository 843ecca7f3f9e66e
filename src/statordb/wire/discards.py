"""What refused clients go on sending: it is read and thrown away, at a pace.

A refused client is read from until it reads why, since closing with unread bytes would reset the connection. Some send
all of a large body first, as fast as the machine copies; at full speed two of them would keep two cores from everybody
else. So what all of them send to a worker shares a pace, and they wait for the room that their sockets have.
"""

from collections.abc import Callable

from statordb.model.limits import MIB

DISCARDED_BYTES_SECOND = 64 * MIB  # of all connections of a worker

After = Callable[[float, Callable[[], None]], object]
"""Has a callback called after some seconds, as the event loop's `call_later`."""


class Discards:
    """Shared by the connections of a worker. Without `after` nobody waits. `monotonic` tells seconds."""

    __slots__ = ("_after", "_monotonic", "_room_at")

    def __init__(self, monotonic: Callable[[], float], after: After | None = None) -> None:
        self._after = after
        self._monotonic = monotonic
        self._room_at = 0.0  # when what has been thrown away is within the pace

    def add(self, size: int, read_on: Callable[[], None]) -> bool:
        """Count what was thrown away, in bytes; True if no more is to be read until `read_on` is called."""
        if self._after is None:
            return False
        now = self._monotonic()
        self._room_at = max(now, self._room_at) + size / DISCARDED_BYTES_SECOND
        self._after(self._room_at - now, read_on)
        return True
