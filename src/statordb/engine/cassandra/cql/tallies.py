"""Running totals of spaces: each process counts for itself, and writes down its own totals; a space's are their sum.

What a process has not written down yet when it dies is not counted.
"""

import asyncio
import time

from statordb.engine.cassandra.cql.session import Session
from statordb.engine.contract import Usage

WRITES_AT_ONCE = 32
_INSERT = "INSERT INTO tallies (space, owner, rows, bytes) VALUES (?, ?, ?, ?)"
_SELECT = "SELECT rows, bytes FROM tallies WHERE space = ?"


class Tallies:
    """Totals of one process. `owner`: what no other process ever has, nor this one after a restart."""

    def __init__(self, session: Session, owner: bytes) -> None:
        self._session = session
        self._owner = owner
        self._totals: dict[int, tuple[int, int]] = {}  # by space: rows and bytes, since this process began
        self._changed: set[int] = set()
        self._writing = asyncio.Lock()
        self._timestamp = 0

    def add(self, space: int, rows: int, size: int) -> None:
        rows_before, size_before = self._totals.get(space, (0, 0))
        self._totals[space] = rows_before + rows, size_before + size
        self._changed.add(space)

    async def flush(self) -> None:
        """Write down what has changed. Raises Unreachable; what was not written then is written with the next."""
        async with self._writing:
            left = iter(list(self._changed))

            async def work() -> None:
                for space in left:  # shared by all who work
                    await self._write(space)

            await asyncio.gather(*(work() for _ in range(min(len(self._changed), WRITES_AT_ONCE))))

    async def usage(self, space: int) -> Usage:
        if space in self._changed:
            async with self._writing:
                await self._write(space)
        found = await self._session.rows(_SELECT, space)
        return Usage(sum(rows for rows, _ in found), sum(size for _, size in found))

    async def _write(self, space: int) -> None:
        if space not in self._changed:
            return
        self._changed.discard(space)
        # Timestamps of our own, so that of two totals the later one wins whatever the clocks of the nodes say.
        self._timestamp = max(time.time_ns() // 1000, self._timestamp + 1)
        try:
            await self._session.write(_INSERT, space, self._owner, *self._totals[space], timestamp=self._timestamp)
        except BaseException:
            self._changed.add(space)
            raise
