"""Which rows this process's updates may be writing while they owe something to others: noted before they are written,
so that whoever recovers this process finds what it owed.

One journal row notes the updates of a group: while one row is being written, others gather for the next. It is deleted
some time after all of them are done.
"""

import asyncio
import logging
import time
from collections.abc import Iterator, Sequence
from struct import Struct
from types import TracebackType
from typing import NamedTuple

from statordb.engine.cassandra.cluster.clock import Clock
from statordb.engine.cassandra.cluster.membership import Membership
from statordb.engine.cassandra.cluster.rounds import Rounds
from statordb.engine.cassandra.cql.rows import Spot
from statordb.engine.cassandra.cql.session import Session, Unreachable

FORMAT = 1
ROW_BYTES_MAX = 256 << 10  # of a journal row, but for what a single update notes
FORGET_SECONDS = 0.25  # between deletions
OPEN_TRIES = 5  # at an entry under a lease that holds
SCATTERED_MAX = 256  # groups that are over behind one that is not, before they are deleted one by one
_WRITE_TIME = 1  # Cassandra timestamps; numbers are never used again
_DELETE_TIME = 2

_entry = Struct(">BH")  # length of the transaction's id, how many are noted
_noted = Struct(">BHI")  # lengths of table and partition, how many spots
_spot = Struct(">bH")  # kind, length of sort

log = logging.getLogger(__name__)


class Noted(NamedTuple):
    """Rows of one partition."""

    table: str
    partition: bytes
    spots: tuple[Spot, ...]


class Entry:
    """An update that may owe something, in the hands of whoever sees to it: `with` it, whose end closes it.

    While it is `at_stake`, a write under it may take effect, or left something that is still owed. Then its end does
    not close it, whatever it comes by: an owner who is cancelled, or fails, leaves it open, and this process does not
    end in order; so others find the rows that are noted, and do what is owed.

    `bound`: below all sequences that it will get.
    """

    __slots__ = ("_journal", "at_stake", "bound", "group", "noted", "opened", "term", "transaction")

    def __init__(
        self, journal: "Journal", noted: Sequence[Noted], transaction: bytes | None, bound: int, term: int
    ) -> None:
        self._journal = journal
        self.noted = noted
        self.transaction = transaction
        self.bound = bound
        self.term = term
        self.group = 0
        self.at_stake = False
        self.opened = time.monotonic()

    def __enter__(self) -> "Entry":
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        if not self.at_stake:
            self.close()

    def valid(self) -> bool:
        """Whether the rows may be written now; where not, somebody else may have begun to recover this process."""
        return self._journal.is_valid(self)

    def settle(self) -> None:
        """All that the update owes to logs is there: their readers may have it. Before its answer is given."""
        self._journal.settled(self)

    def close(self) -> None:
        """The update owes nothing any more, and left no pending row."""
        assert not self.at_stake, "what may still take effect must be found by others"
        self._journal.closed(self)


class Journal:
    def __init__(self, session: Session, membership: Membership, clock: Clock) -> None:
        self._session = session
        self._membership = membership
        self._clock = clock
        self._entries: dict[Entry, None] = {}  # not closed
        self._unsettled: dict[Entry, None] = {}  # in the order of their bounds
        self._waiting: list[Entry] = []
        self._insert = Rounds(self._insert_waiting)
        self._groups: dict[int, int] = {}  # how many of each group are not closed
        self._number = 0
        self._over: list[int] = []  # groups that can be forgotten
        self._renewals = 0
        self._forgetting: asyncio.Task[None] | None = None

    async def open(self, noted: Sequence[Noted], transaction: bytes | None = None) -> Entry:
        """Note rows durably; the lease is valid then. Ask `entry.valid()` before each write. Raises Unreachable."""
        for _ in range(OPEN_TRIES):
            if not self._membership.valid():
                await self._membership.ensure_valid()
            entry = Entry(self, noted, transaction, self._clock.bound(), self._membership.term)
            self._entries[entry] = self._unsettled[entry] = None
            try:
                if self._membership.parked:
                    await self._membership.unpark()
                self._waiting.append(entry)
                await self._insert.run()
            except BaseException:
                entry.close()
                raise
            if entry.valid():
                return entry
            entry.close()
        raise Unreachable("this process is taken for dead again and again")

    def is_valid(self, entry: Entry) -> bool:
        return entry.term == self._membership.term and self._membership.valid()

    def settled(self, entry: Entry) -> None:
        """See `Entry.settle`."""
        if entry in self._unsettled:
            del self._unsettled[entry]
            self._membership.settled()

    def closed(self, entry: Entry) -> None:
        """See `Entry.close`."""
        self.settled(entry)
        if entry not in self._entries:
            return
        del self._entries[entry]
        left = self._groups.get(entry.group)
        if left is None:
            return  # it never was noted
        if left > 1:
            self._groups[entry.group] = left - 1
            return
        del self._groups[entry.group]
        self._over.append(entry.group)
        if self._forgetting is None:
            self._forgetting = asyncio.get_running_loop().create_task(self._forget())

    @property
    def pending(self) -> int:
        """How many updates owe something, or may."""
        return len(self._entries)

    def oldest_seconds(self) -> float:
        """Since when the oldest of them has been open."""
        return time.monotonic() - next(iter(self._entries)).opened if self._entries else 0.0

    def lowest(self) -> int | None:
        """A number below every sequence that any of them may still append; None if there is none."""
        for entry in self._unsettled:
            return entry.bound
        return None

    def renew(self) -> None:
        """Others recover what is open, since they take this process for dead."""
        self._renewals += 1
        for known in (self._entries, self._unsettled, self._groups, self._over):
            known.clear()

    async def end(self) -> None:
        """Leave no journal behind. Raises Unreachable, also if something is still owed."""
        if self._groups or self._waiting:
            raise Unreachable("updates are still owed something")
        if self._forgetting is not None:
            self._forgetting.cancel()
        await delete(self._session, self._clock.slot, self._membership.incarnation)

    async def _insert_waiting(self) -> None:
        waiting = [entry for entry in self._waiting if entry in self._entries]  # others were given up meanwhile
        self._waiting = []
        writes = []
        while waiting:
            body = bytearray([FORMAT])
            self._number += 1
            count = 0
            for entry in waiting:
                if count and len(body) > ROW_BYTES_MAX:
                    break
                _encode(entry, body)
                entry.group = self._number
                count += 1
            self._groups[self._number] = count
            del waiting[:count]
            text = "INSERT INTO journal (slot, incarnation, number, body) VALUES (?, ?, ?, ?)"
            values = self._clock.slot, self._membership.incarnation, self._number, bytes(body)
            writes.append(self._session.write(text, *values, timestamp=_WRITE_TIME))
        if len(writes) == 1:
            await writes[0]
        else:
            await asyncio.gather(*writes)

    async def _forget(self) -> None:
        """Delete rows of groups that are over, while there are any: as a range, all at once."""
        text = "DELETE FROM journal WHERE slot = ? AND incarnation = ? AND number "
        while self._over:
            await asyncio.sleep(FORGET_SECONDS)
            slot, incarnation = self._clock.slot, self._membership.incarnation
            over, self._over = self._over, []
            renewals = self._renewals
            lowest = next(iter(self._groups), self._number + 1)
            later = [number for number in over if number > lowest]
            try:
                if len(later) < len(over):
                    await self._session.write(text + "< ?", slot, incarnation, lowest, timestamp=_DELETE_TIME)
                if len(later) > SCATTERED_MAX:
                    for number in later:
                        await self._session.write(text + "= ?", slot, incarnation, number, timestamp=_DELETE_TIME)
                elif renewals == self._renewals:
                    self._over += later
            except Exception as fault:
                if renewals == self._renewals:  # else all that is there is for those who recover this process
                    self._over += over
                if not isinstance(fault, Unreachable):
                    log.exception("the journal could not be shortened")
        self._forgetting = None


Row = tuple[int, bytes]
"""Number and body."""


async def read(session: Session, slot: int, incarnation: bytes, after: int = 0) -> tuple[list[Row], int]:
    """Some journal rows of a process behind a number, and the number of the last; none are left if there are none.
    Raises Unreachable."""
    text = "SELECT number, body FROM journal WHERE slot = ? AND incarnation = ? AND number > ? LIMIT 100"
    rows = await session.rows(text, slot, incarnation, after)
    return [(number, body) for number, body in rows], rows[-1][0] if rows else after


async def delete(session: Session, slot: int, incarnation: bytes) -> None:
    """The journal of a process that ended. Raises Unreachable."""
    text = "DELETE FROM journal WHERE slot = ? AND incarnation = ?"
    await session.write(text, slot, incarnation, timestamp=_DELETE_TIME)


async def delete_rows(session: Session, slot: int, incarnation: bytes, numbers: Sequence[int]) -> None:
    """Some rows of it, where others are kept. Raises Unreachable."""
    text = "DELETE FROM journal WHERE slot = ? AND incarnation = ? AND number = ?"
    for number in numbers:
        await session.write(text, slot, incarnation, number, timestamp=_DELETE_TIME)


def _encode(entry: Entry, into: bytearray) -> None:
    transaction = entry.transaction or b""
    into += _entry.pack(len(transaction), len(entry.noted)) + transaction
    for table, partition, spots in entry.noted:
        into += _noted.pack(len(table), len(partition), len(spots)) + table.encode() + partition
        for kind, sort in spots:
            into += _spot.pack(kind, len(sort)) + sort


def decode(data: bytes) -> Iterator[tuple[list[Noted], bytes | None]]:
    """The updates that a journal row notes: their rows, and their transactions. Raises ValueError or what follows from
    bytes that are none of ours."""
    if data[0] != FORMAT:
        raise ValueError(f"a journal row of format {data[0]}, where {FORMAT} is known")
    at = 1
    while at < len(data):
        length, count = _entry.unpack_from(data, at)
        at += _entry.size + length
        transaction = data[at - length : at] or None
        noted = []
        for _ in range(count):
            table_length, length, spots_count = _noted.unpack_from(data, at)
            at += _noted.size
            table, partition = data[at : at + table_length].decode(), data[at + table_length :][:length]
            at += table_length + length
            spots = []
            for _ in range(spots_count):
                kind, length = _spot.unpack_from(data, at)
                at += _spot.size + length
                spots.append((kind, data[at - length : at]))
            noted.append(Noted(table, partition, tuple(spots)))
        yield noted, transaction
