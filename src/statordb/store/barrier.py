"""When all that was written to a stream's logs before a moment can be read.

Where guards are not checked within updates, writes by an old schema go on until an announcement is acknowledged; and
what other processes have written to a log can be read a little later. So after an announcement, and a time in which no
clock is behind another, a mark is written to a log of the stream's space: once that can be read, so can all before.
"""

import time
import uuid

from statordb.engine.contract import Effects, Engine, PageBudget
from statordb.store import contention

SKEW_SECONDS = 2.0  # more than the clocks of two servers may differ
LOST_SECONDS = 5.0  # after which a mark that can't be read is written again
_MARKS = b"\0marks"  # a log that is no shard
_PAGE = PageBudget(rows_max=100, bytes_max=1 << 16)


class Barrier:
    """Begun with the first question. `space`: of the logs. `sequence`: of the mark, once it is passed: all that was
    written before the first question is below, and all that is below can be read."""

    def __init__(self, engine: Engine, space: int) -> None:
        self._engine = engine
        self._space = space
        self._announced_at: float | None = None
        self._mark: bytes | None = None
        self._marked_at = 0.0
        self.sequence = 0

    async def is_passed(self, now: float) -> bool:
        """Whether everything can be read that was written before the first call. `now`: seconds since the epoch."""
        if self._engine.traits.guards:
            return True
        if self._announced_at is None:
            begun = time.monotonic()
            await contention.announce(self._engine)
            # It may have waited long for a process that is dead. (To the second: clocks differ by less than they may.)
            self._announced_at = now + round(time.monotonic() - begun)
        if now - self._announced_at < SKEW_SECONDS:
            return False
        if self._mark is None:
            mark = uuid.uuid4().bytes
            effects = Effects(changes=((self._space, _MARKS, mark),))
            await contention.update(self._engine, (), lambda stored: effects)
            self._mark, self._marked_at = mark, time.monotonic()
        for sequence, body in await self._engine.log(self._space, _MARKS, 0, _PAGE):
            if body == self._mark:
                self.sequence = sequence
                await self._engine.trim(self._space, _MARKS, sequence, _PAGE.rows_max)
                return True
        if time.monotonic() - self._marked_at >= LOST_SECONDS:
            self._mark = None  # another barrier of this log may have taken it away with its own
        return False
