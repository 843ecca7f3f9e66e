"""How long this process may take itself for alive: as long as the others do, by the pulses of its own that it has read
back."""

import asyncio
import time
from collections.abc import Callable

from statordb.engine.cassandra.cql.session import Unreachable

ENSURE_SECONDS = 5.0


class Lease:
    """Valid for some seconds since the last pulse was sent that was read back."""

    def __init__(self, seconds: float, check: Callable[[], None], now: Callable[[], float] = time.monotonic) -> None:
        """`check`: raises what has ended the renewing."""
        self._seconds = seconds
        self._check = check
        self._now = now
        self._until = float("-inf")
        self._renewed = asyncio.Event()
        self._sent: dict[int, float] = {}  # when the pulses were sent that have not been read back
        self.beat = 0  # of the last one
        self.acknowledged = 0  # the highest that was

    def begin(self) -> None:
        """The process has a number of its own from now on, and has sent nothing under it."""
        self.beat = self.acknowledged = 0
        self._sent.clear()

    def end(self) -> None:
        self._until = float("-inf")

    def send(self) -> int:
        """A pulse is about to be sent: its beat."""
        self.beat += 1
        self._sent[self.beat] = self._now()
        return self.beat

    def read_back(self, beat: int) -> None:
        """A reading has shown this beat of this process."""
        sent = self._sent.get(beat)
        if sent is None:
            return  # it was seen before
        self._until = max(self._until, sent + self._seconds)
        for earlier in [known for known in self._sent if known < beat]:
            del self._sent[earlier]
        if self.valid():
            self._renewed.set()
            self._renewed = asyncio.Event()

    def valid(self) -> bool:
        return self._now() < self._until

    async def ensure_valid(self, seconds: float = ENSURE_SECONDS) -> None:
        """Wait for a valid lease, in a task. Raises Unreachable after so many seconds."""
        deadline = self._now() + seconds
        while not self.valid():
            self._check()
            try:
                async with asyncio.timeout(max(deadline - self._now(), 0)):
                    await self._renewed.wait()
            except TimeoutError:
                raise Unreachable("this process could not tell the others that it is alive") from None
