"""Leases: who does a keeper duty now. A row with a holder and an end; taking it is one conditional update."""

import orjson

from statordb.engine.contract import Effects, Engine, Key, Refused, Stored
from statordb.store.keyspace import Space


async def take(engine: Engine, duty: str, holder: str, now: float, seconds: float) -> bool:
    """Take or renew the lease of a duty until `now + seconds`; False while another holder has it."""
    key = Key(Space.LEASES, duty.encode(), b"")
    body = orjson.dumps({"holder": holder, "ends": now + seconds})

    def plan(stored: list[Stored | None]) -> Effects | Refused:
        row = stored[0]
        if row is not None:
            lease = orjson.loads(row[0])
            if lease["holder"] != holder and lease["ends"] > now:
                return Refused(lease["holder"])
        return Effects(writes=((key, body),))

    return isinstance(await engine.update((key,), plan), Effects)


async def release(engine: Engine, duty: str, holder: str) -> None:
    """Give a lease back, if it is still the holder's."""
    key = Key(Space.LEASES, duty.encode(), b"")

    def plan(stored: list[Stored | None]) -> Effects | Refused:
        row = stored[0]
        if row is None or orjson.loads(row[0])["holder"] != holder:
            return Refused(None)
        return Effects(writes=((key, None),))

    await engine.update((key,), plan)
