"""What a dead process owed is done by another, from its journal.

All of it can be done again from the start, and by several at once: rows that were noted get new versions, so that no
write of the dead process that is still on its way can take effect; then what lies in pending rows is relayed.
"""

import asyncio
from collections.abc import Awaitable, Callable

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
DELIVERED_SECONDS = 60  # pending rows that are so much older than what may be owed are left: they were delivered


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

    async def recover(self, slot: int, incarnation: bytes) -> None:
        """Do all that a process owed, whose lease is over, and delete its journal. Raises Unreachable."""
        since = await self._since(slot, incarnation)
        after = 0
        while True:
            bodies, after = await journal.read(self._session, slot, incarnation, after)
            if not bodies:
                break
            partitions: dict[tuple[str, bytes], set[Spot]] = {}
            transactions: dict[bytes, None] = {}
            for body in bodies:
                for noted, transaction in journal.decode(body):
                    for table, partition, spots in noted:
                        partitions.setdefault((table, partition), set()).update(spots)
                    if transaction is not None:
                        transactions[transaction] = None
            for transaction in transactions:
                await self._resolve(transaction)
            places = list(partitions.items())
            for at in range(0, len(places), AT_ONCE):
                await asyncio.gather(*(self._see_to(slot, since, *place) for place in places[at : at + AT_ONCE]))
        await journal.delete(self._session, slot, incarnation)

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
        text = f"SELECT sort, body FROM {table} WHERE partition = ? AND kind = {keys.PENDING} AND sort > ?"
        for sort, body in await self._session.rows(text, partition, since.to_bytes(8, "big"), consistency=SERIAL):
            version = int.from_bytes(sort, "big")
            if body is not None and version % SLOTS == slot:
                await self._relay.deliver(version, Owed.decode(body), recovering=True)
                await self._relay.forget(table, partition, version)

    async def _fence(self, table: str, partition: bytes, spot: Spot) -> None:
        """Make sure that a row has not the version any more that it had when this was called.

        What the dead process may still write goes by a version that it read before its lease was over.
        """
        row = before = await self._look(table, partition, spot)
        while row.version == before.version:
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
