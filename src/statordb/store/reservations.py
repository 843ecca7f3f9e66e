"""What operations on tables that are under way will have, told before they have it: so what several processes and
servers begin at one moment is not more than there may be.

Who begins one writes down what it comes to, then counts what there is and what others have written down, and only then
goes on. Of several that begin together each sees those before it; where there is room for one more only, all of them
may be refused, but never may more than one be let in. Who dies meanwhile is passed over after a minute.
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from statordb.engine.contract import Effects, Engine, Key
from statordb.model.clock import Clock
from statordb.store import contention
from statordb.store.keyspace import Space
from statordb.store.record import Kind, Record
from statordb.store.rows import rows

SECONDS_MAX = 60.0  # that an operation takes


@dataclass(frozen=True, slots=True)
class ReservationRecord(Record):
    """What a table of that name will have. `ends`: when it counts no more, in seconds since the epoch."""

    name: str
    ends: float
    reads: int
    writes: int


RESERVATION = Kind(ReservationRecord)


class Reservations:
    """Those of a store."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    @asynccontextmanager
    async def made(self, account: str, region: str, name: str, units: tuple[int, int]) -> AsyncIterator[None]:
        """Within this a table counts as having so many units of reads and writes at least, whether it is there or
        not."""
        key = Key(Space.LEASES, _partition(account, region), secrets.token_bytes(12))
        body = RESERVATION.dump(ReservationRecord(name, self._clock.now() + SECONDS_MAX, *units))
        await self._put(key, body)
        try:
            yield
        finally:
            await self._put(key, None)

    async def by_table(self, account: str, region: str) -> dict[str, tuple[int, int]]:
        """What is to be had by each table that something is reserved for."""
        now, found = self._clock.now(), dict[str, tuple[int, int]]()
        async for row in rows(self._engine, Space.LEASES, _partition(account, region)):
            record = RESERVATION.load(row.body)
            if not now - SECONDS_MAX < record.ends < now + 2 * SECONDS_MAX:  # of one who has died long ago
                await self._put(Key(Space.LEASES, row.partition, row.sort), None)
            if now < record.ends:
                reads, writes = found.get(record.name, (0, 0))
                found[record.name] = max(reads, record.reads), max(writes, record.writes)
        return found

    async def _put(self, key: Key, body: bytes | None) -> None:
        await contention.update(self._engine, (key,), lambda stored: Effects(writes=((key, body),)))


def _partition(account: str, region: str) -> bytes:
    return f"tables/{account}/{region}".encode()
