"""Running totals of spaces: each process counts for itself, and writes down its own totals; a space's are their sum.

What a process has not written down yet when it dies is not counted. The rows of those that have ended are folded into
one: else a space would have as many rows as processes were ever started. A fold takes the rows away and adds them up in
one lightweight transaction, on the condition that they are as they were read; so it is done once, by whomever, and a
crash leaves all or nothing of it. What a process writes late, when it has been taken for dead, loses against the
deletion: its timestamps are counted from one, and those of lightweight transactions are microseconds.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable

from statordb.engine.cassandra.cql import keys
from statordb.engine.cassandra.cql.session import QUORUM, SERIAL, Session, Statement, Unreachable
from statordb.engine.contract import Usage

WRITES_AT_ONCE = 32
FOLDS_AT_ONCE = 16  # rows that one lightweight transaction folds
FOLD_TRIES = 4
FOLD_SECONDS = 600.0  # between two times that all spaces are gone through
SPACES_PER_SWEEP = 64  # that one call of `sweep` looks at
FOLDED = b"folded"  # the owner of what was folded; a process is 16 bytes
_INSERT = "INSERT INTO tallies (space, owner, rows, bytes) VALUES (?, ?, ?, ?)"
_SELECT = "SELECT owner, rows, bytes FROM tallies WHERE space = ?"
_SPACES = "SELECT DISTINCT space FROM tallies LIMIT ?"
_SPACES_BEHIND = "SELECT DISTINCT space FROM tallies WHERE token(space) > token(?) LIMIT ?"
_ADD = "UPDATE tallies SET rows = ?, bytes = ? WHERE space = ? AND owner = ? IF rows = ? AND bytes = ?"
_TAKE = "DELETE FROM tallies WHERE space = ? AND owner = ? IF rows = ? AND bytes = ?"

Ended = Callable[[Iterable[bytes]], Awaitable[set[bytes]]]
"""Which of some owners have ended; asked after their rows were read. Raises Unreachable."""

_NONE = Usage(0, 0)


class Tallies:
    """Totals of one process. `owner`: tells what no other process ever has, nor this one after a restart, or after it
    was taken for dead."""

    def __init__(self, session: Session, owner: Callable[[], bytes]) -> None:
        self._session = session
        self._owner = owner
        self._as = owner()
        self._totals: dict[int, Usage] = {}  # by space, since this process has this owner's name
        self._told: dict[int, Usage] = {}  # of these, what is written down
        self._changed: set[int] = set()
        self._writing = asyncio.Lock()
        self._timestamp = 0

    def add(self, space: int, rows: int, size: int) -> None:
        before = self._totals.get(space, _NONE)
        self._totals[space] = Usage(before.rows + rows, before.bytes + size)
        self._changed.add(space)

    def forget(self, space: int) -> None:
        """The space was dropped."""
        self._totals.pop(space, None)
        self._told.pop(space, None)
        self._changed.discard(space)

    async def forget_dropped(self, spaces: Callable[[], Awaitable[Iterable[int]]]) -> None:
        """Forget spaces that others have dropped. `spaces`: those that are there. Raises Unreachable."""
        known = list(self._totals)  # before it is asked: what is made meanwhile is not among these
        tables = {keys.table_number(space) for space in await spaces()}
        for space in known:
            if space >= keys.OWN_SPACES_END and keys.table_number(space) not in tables:
                self.forget(space)

    async def flush(self) -> None:
        """Write down what has changed. Raises Unreachable; what was not written then is written with the next."""
        async with self._writing:
            self._begin_anew_if_lost()
            left = iter(list(self._changed))

            async def work() -> None:
                for space in left:  # shared by all who work
                    await self._write(space)

            await asyncio.gather(*(work() for _ in range(min(len(self._changed), WRITES_AT_ONCE))))

    async def usage(self, space: int) -> Usage:
        if space in self._changed:
            async with self._writing:
                self._begin_anew_if_lost()
                await self._write(space)
        return _sum(await self._read(space, QUORUM))

    async def sweep(self, behind: int | None, ended: Ended) -> int | None:
        """Fold what processes that have ended left in some spaces; the space to go on behind, None when all were
        looked at. Raises Unreachable."""
        if behind is None:
            found = await self._session.rows(_SPACES, SPACES_PER_SWEEP)
        else:
            found = await self._session.rows(_SPACES_BEHIND, behind, SPACES_PER_SWEEP)
        spaces = [space for (space,) in found]
        owners = await asyncio.gather(*(self._read(space, QUORUM) for space in spaces))
        gone = await ended({owner for each in owners for owner in each} - {FOLDED, self._as})
        for space, each in zip(spaces, owners, strict=True):
            if not gone.isdisjoint(each):
                await self._fold(space, gone)
        return spaces[-1] if len(spaces) == SPACES_PER_SWEEP else None

    async def _fold(self, space: int, gone: set[bytes]) -> None:
        for _ in range(FOLD_TRIES):
            found = await self._read(space, SERIAL)
            owners = [owner for owner in found if owner in gone]
            if not owners:
                return
            try:
                refused = await self._session.conditional(_fold(space, found, owners[:FOLDS_AT_ONCE]))
            except Unreachable:
                continue  # what became of it is read now
            if refused is None and len(owners) <= FOLDS_AT_ONCE:
                return

    async def _read(self, space: int, consistency: str) -> dict[bytes, Usage]:
        found = await self._session.rows(_SELECT, space, consistency=consistency)
        return {owner: Usage(rows, size) for owner, rows, size in found}

    def _begin_anew_if_lost(self) -> None:
        """Others may fold what was written under the name before: what was not written yet goes under the new one."""
        owner = self._owner()
        if owner == self._as:
            return
        self._as = owner
        for space, total in self._totals.items():
            told = self._told.get(space, _NONE)
            self._totals[space] = Usage(total.rows - told.rows, total.bytes - told.bytes)
        self._told.clear()

    async def _write(self, space: int) -> None:
        if space not in self._changed:
            return
        self._changed.discard(space)
        # Timestamps of our own, so that of two totals the later one wins whatever the clocks of the nodes say.
        self._timestamp += 1
        total = self._totals[space]
        try:
            await self._session.write(_INSERT, space, self._as, *total, timestamp=self._timestamp)
        except BaseException:
            self._changed.add(space)
            raise
        self._told[space] = total


class Folding:
    """Goes through all spaces, some at a time, and through all again after a while."""

    def __init__(self, tallies: Tallies, ended: Ended, now: Callable[[], float] = time.monotonic) -> None:
        self._tallies = tallies
        self._ended = ended
        self._now = now
        self._behind: int | None = None
        self._due = now()

    async def run_once(self) -> bool:
        """True while there is more to go through. Raises Unreachable."""
        if self._now() < self._due:
            return False
        self._behind = await self._tallies.sweep(self._behind, self._ended)
        if self._behind is None:
            self._due = self._now() + FOLD_SECONDS
        return self._behind is not None


def _sum(rows: dict[bytes, Usage]) -> Usage:
    return Usage(sum(each.rows for each in rows.values()), sum(each.bytes for each in rows.values()))


def _fold(space: int, found: dict[bytes, Usage], gone: list[bytes]) -> list[Statement]:
    total = _sum({owner: found[owner] for owner in (*gone, FOLDED) if owner in found})
    before = found.get(FOLDED)
    into: Statement = (
        (_INSERT + " IF NOT EXISTS", (space, FOLDED, *total))
        if before is None
        else (_ADD, (*total, space, FOLDED, *before))
    )
    return [into, *((_TAKE, (space, owner, *found[owner])) for owner in gone)]
