"""What a dead process owed is done by another, from its journal.

All of it can be done again from the start, and by several at once: rows that were noted get new versions, so that no
write of the dead process that is still on its way can take effect; then what lies in pending rows is relayed.

One row that can't be understood, or done, must not keep the rest from being done: it is left where it is, and counted.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence

from statordb.engine.cassandra.cluster import pulses
from statordb.engine.cassandra.cluster.clock import SLOTS, STEP, Clock
from statordb.engine.cassandra.cql import keys, rows
from statordb.engine.cassandra.cql.rows import Found, Spot
from statordb.engine.cassandra.cql.session import SERIAL, Missing, Session, Unreachable
from statordb.engine.cassandra.owed import journal
from statordb.engine.cassandra.owed.journal import Noted
from statordb.engine.cassandra.owed.owed import Owed
from statordb.engine.cassandra.owed.relay import Relay

AT_ONCE = 16  # partitions that are seen to
PAUSE_SECONDS = 0.02  # before a row that another transaction holds is looked at again
FENCE_SECONDS = 30.0  # how long one row may be held, or written by others, before all is tried again later
DELIVERED_SECONDS = 60  # pending rows that are so much older than what may be owed are left: they were delivered

log = logging.getLogger(__name__)


class Recovery:
    def __init__(
        self,
        session: Session,
        clock: Clock,
        relay: Relay,
        resolve: Callable[..., Awaitable[object]],
    ) -> None:
        """`resolve`: finishes or undoes the transaction of that id, and lets go of rows that are named besides."""
        self._session = session
        self._clock = clock
        self._relay = relay
        self._resolve = resolve

    async def recover(self, slot: int, incarnation: bytes, *, set_aside: bool = False) -> int:
        """Do all that a process owed, whose lease is over, and delete its journal but for what can't be done: how many
        rows of it, or of partitions that it names, those are. `set_aside`: they will not be tried again, so that what
        could be done is deleted all the same. Raises Unreachable."""
        since = await self._since(slot, incarnation)
        after = left = 0
        while True:
            rows_, after = await journal.read(self._session, slot, incarnation, after)
            if not rows_:
                break
            bad = await self._do(slot, since, rows_)
            left += len(bad)
            if set_aside:
                done = [number for number, _ in rows_ if number not in bad]
                await journal.delete_rows(self._session, slot, incarnation, done)
        if not left:
            await journal.delete(self._session, slot, incarnation)
        return left

    async def _do(self, slot: int, since: int, rows_: Sequence[journal.Row]) -> set[int]:
        """Do what some journal rows note; returns the numbers of those of which something could not be done."""
        partitions: dict[tuple[str, bytes], set[Spot]] = {}
        transactions: dict[bytes, None] = {}
        named: dict[object, set[int]] = {}  # the rows of the journal that name a partition or a transaction
        bad: set[int] = set()
        for number, body in rows_:
            try:
                for noted, transaction in journal.decode(body):
                    for table, partition, spots in noted:
                        partitions.setdefault((table, partition), set()).update(spots)
                        named.setdefault((table, partition), set()).add(number)
                    if transaction is not None:
                        transactions[transaction] = None
                        named.setdefault(transaction, set()).add(number)
            except Exception:
                log.exception("a journal row can't be understood", extra={"slot": slot, "number": number})
                bad.add(number)
        # Transactions first: what they hold can't be fenced.
        for transaction in transactions:
            if not await self._done(self._resolve(transaction), slot, transaction):
                bad |= named[transaction]
        places = list(partitions.items())
        for at in range(0, len(places), AT_ONCE):
            some = places[at : at + AT_ONCE]
            done = await asyncio.gather(*(self._done(self._see_to(slot, since, *each), slot, each[0]) for each in some))
            for (place, _), well in zip(some, done, strict=True):
                if not well:
                    bad |= named[place]
        return bad

    async def _done(self, work: Awaitable[object], slot: int, what: object) -> bool:
        """Whether some work could be done; it is for all tries the same if not. Raises Unreachable."""
        try:
            await work
        except Unreachable:
            raise
        except Exception:
            log.exception("something that a dead process owed can't be done", extra={"slot": slot, "what": repr(what)})
            return False
        return True

    async def _since(self, slot: int, incarnation: bytes) -> int:
        """A version below all whose pending rows may not have been delivered, by what the process told.

        From there the rows are read: in a partition that is written often lie more that were deleted than Cassandra
        reads at once.
        """
        told = [pulse for pulse in await pulses.read(self._session) if pulse.who == (slot, incarnation)]
        low = min((pulse.top if pulse.low == pulses.PARKED else pulse.low for pulse in told), default=0)
        return max(0, low - DELIVERED_SECONDS * 1_000_000 * STEP)

    async def _see_to(self, slot: int, since: int, place: tuple[str, bytes], spots: set[Spot]) -> None:
        try:
            for spot in sorted(spots):
                await self._fence(*place, spot)
            await self._relay_pending(*place, slot, since)
        except Missing:
            return  # the space was dropped

    async def _relay_pending(self, table: str, partition: bytes, slot: int, since: int) -> None:
        """Raises the last error of those that can't be relayed, after the others were."""
        failed: Exception | None = None
        text = f"SELECT sort, body FROM {table} WHERE partition = ? AND kind = {keys.PENDING} AND sort > ?"
        for sort, body in await self._session.rows(text, partition, since.to_bytes(8, "big"), consistency=SERIAL):
            version = int.from_bytes(sort, "big")
            if body is None or version % SLOTS != slot:
                continue
            try:
                await self._relay.deliver(version, Owed.decode(body), recovering=True)
                await self._relay.forget(table, partition, version)
            except (Unreachable, Missing):
                raise
            except Exception as fault:
                failed = fault
        if failed is not None:
            raise failed

    async def _fence(self, table: str, partition: bytes, spot: Spot) -> None:
        """Make sure that a row has not the version any more that it had when this was called.

        What the dead process may still write goes by a version that it read before its lease was over.
        Raises Unreachable.
        """
        row = before = await self._look(table, partition, spot)
        deadline = time.monotonic() + FENCE_SECONDS
        while row.version == before.version:
            if time.monotonic() > deadline:
                raise Unreachable("a row that a dead process may write can't be got at")
            if row.mark is not None:
                await self._resolve(row.mark, (Noted(table, partition, (spot,)),))
                await asyncio.sleep(PAUSE_SECONDS)
                row = await self._look(table, partition, spot)
                continue
            version = self._clock.next(row.version)
            try:
                refused = await self._session.conditional([rows.touch(table, partition, spot, row, version)])
            except Unreachable:
                row = await self._look(table, partition, spot)
                continue
            if refused is None:
                return
            row = rows.standing([spot], refused)[spot]

    async def _look(self, table: str, partition: bytes, spot: Spot) -> Found:
        return await rows.read_one(self._session, table, partition, spot, SERIAL)
