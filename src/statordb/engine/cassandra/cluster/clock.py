"""Versions: what orders the updates of all servers.

A version is microseconds since 2020 in its upper bits, and the number of the server process that gave it in the lower
ones. So no two are equal; each is above every version that its update has seen; and they are near to time. It is the
version of a row, the Cassandra timestamp of what is derived from it, and the sequence number of its changes.
"""

import time
from collections.abc import Callable

SLOT_BITS = 12
SLOTS = 1 << SLOT_BITS
STEP = 1 << SLOT_BITS
EPOCH_SECONDS = 1_577_836_800  # 2020-01-01; 63 bits last until 2091


def seconds(version: int) -> float:
    """When a version was given, in seconds since the Unix epoch."""
    return (version >> SLOT_BITS) / 1e6 + EPOCH_SECONDS


class Clock:
    """Gives versions. They go by the machine's clock as it was when it was last known to be right, and by the time that
    has passed since: a version that lies far ahead could never be taken back, and all servers would go on from it.

    `wall`: what the machine takes for the seconds since the Unix epoch.
    """

    def __init__(
        self, wall: Callable[[], float], slot: int = 0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.wall = wall
        self.slot = slot
        self._monotonic = monotonic
        self.trust()
        self._ticks = 0  # the last one given, or known to be past

    def trust(self) -> None:
        """The machine's clock is right now."""
        self._ahead = self.wall() - self._monotonic()

    def now(self) -> float:
        """Seconds since the Unix epoch."""
        return self._monotonic() + self._ahead

    def set_by(self) -> float:
        """By how many seconds the machine's clock was set since, or has gone otherwise than time."""
        return self.wall() - self.now()

    def next(self, above: int = 0, count: int = 1) -> int:
        """A version above another and above all given before. `count`: how many in a row, STEP apart, are taken."""
        ticks = max(int((self.now() - EPOCH_SECONDS) * 1e6), self._ticks + 1, (above >> SLOT_BITS) + 1)
        self._ticks = ticks + count - 1
        return ticks << SLOT_BITS | self.slot

    def bound(self) -> int:
        """A number below every version that will be given from now on, and not below any given before."""
        self._ticks = max(int((self.now() - EPOCH_SECONDS) * 1e6), self._ticks)
        return self._ticks << SLOT_BITS | SLOTS - 1

    def age(self, version: int) -> float:
        """Seconds since a version was given, by this clock; 0 if that is to come."""
        return max(self.now() - seconds(version), 0.0)

    def pass_by(self, version: int) -> None:
        """From now on give only versions above this one."""
        self._ticks = max(self._ticks, version >> SLOT_BITS)
