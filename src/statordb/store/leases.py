"""Leases: who does a keeper duty now, and which keepers there are. Each is a row with an end."""

from collections.abc import Iterable
from dataclasses import dataclass

from statordb.engine.contract import Effects, Engine, Key, Refused, Stored
from statordb.store.keyspace import Space
from statordb.store.record import Kind, Record
from statordb.store.rows import rows

KEEPERS = b"keepers"  # the partition that keepers report in; no duty's name


@dataclass(frozen=True, slots=True)
class LeaseRecord(Record):
    """Who has a duty. `ends`: seconds since the epoch."""

    holder: str
    ends: float


@dataclass(frozen=True, slots=True)
class KeeperRecord(Record):
    """A keeper that is there, until `ends` (seconds since the epoch) if it does not report again."""

    duties: list[str]
    ends: float


LEASE, KEEPER = Kind(LeaseRecord), Kind(KeeperRecord)


class Leases:
    """The leases and the keepers of one store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def take(self, duty: str, holder: str, now: float, seconds: float) -> bool:
        """Take or renew the lease of a duty until `now + seconds`; False while another holder has it."""
        key = Key(Space.LEASES, duty.encode(), b"")
        body = LEASE.dump(LeaseRecord(holder, now + seconds))

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            row = stored[0]
            if row is not None:
                lease = LEASE.load(row.body)
                if lease.holder != holder and lease.ends > now:
                    return Refused(lease.holder)
            return Effects(writes=((key, body),))

        return isinstance(await self._engine.update((key,), plan), Effects)

    async def release(self, duty: str, holder: str) -> None:
        """Give a lease back, if it is still the holder's."""
        key = Key(Space.LEASES, duty.encode(), b"")

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            row = stored[0]
            if row is None or LEASE.load(row.body).holder != holder:
                return Refused(None)
            return Effects(writes=((key, None),))

        await self._engine.update((key,), plan)

    async def report(self, keeper: str, duties: Iterable[str], now: float, seconds: float) -> None:
        """Tell the other keepers, until `now + seconds`, that one is there, and which duties it can do."""
        key = Key(Space.LEASES, KEEPERS, keeper.encode())
        body = KEEPER.dump(KeeperRecord(list(duties), now + seconds))
        await self._engine.update((key,), lambda stored: Effects(writes=((key, body),)))

    async def keepers(self, now: float) -> dict[str, list[str]]:
        """The keepers there are, each with the duties that it can do. Those that fell silent are forgotten."""
        found: dict[str, list[str]] = {}
        async for row in rows(self._engine, Space.LEASES, KEEPERS):
            told = KEEPER.load(row.body)
            if told.ends > now:
                found[row.sort.decode()] = told.duties
            else:
                await self.leave(row.sort.decode(), now)
        return found

    async def leave(self, keeper: str, silent_at: float | None = None) -> None:
        """A keeper is there no more. `silent_at`: unless it reported until later than that."""
        key = Key(Space.LEASES, KEEPERS, keeper.encode())

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            row = stored[0]
            if row is None or (silent_at is not None and KEEPER.load(row.body).ends > silent_at):
                return Refused(None)
            return Effects(writes=((key, None),))

        await self._engine.update((key,), plan)
