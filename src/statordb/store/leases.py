"""Leases: who does a keeper duty now, and which keepers there are. Each is a row with an end."""

from collections.abc import Iterable

import orjson

from statordb.engine.contract import Bounds, Budget, Effects, Engine, Key, Refused, Stop, Stored
from statordb.store.keyspace import Space

KEEPERS = b"keepers"  # the partition that keepers report in; no duty's name
_PAGE = Budget(rows_max=1000, bytes_max=1 << 20)


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


async def report(engine: Engine, keeper: str, duties: Iterable[str], now: float, seconds: float) -> None:
    """Tell the other keepers, until `now + seconds`, that one is there, and which duties it can do."""
    key = Key(Space.LEASES, KEEPERS, keeper.encode())
    body = orjson.dumps({"duties": list(duties), "ends": now + seconds})
    await engine.update((key,), lambda stored: Effects(writes=((key, body),)))


async def keepers(engine: Engine, now: float) -> dict[str, list[str]]:
    """The keepers there are, each with the duties that it can do. Those that fell silent are forgotten."""
    found: dict[str, list[str]] = {}
    after: bytes | None = None
    while True:
        page = await engine.range(Space.LEASES, KEEPERS, Bounds(), True, _PAGE, after)
        for row in page.rows:
            told = orjson.loads(row.body)
            if told["ends"] > now:
                found[row.sort.decode()] = told["duties"]
            else:
                await leave(engine, row.sort.decode(), now)
        if page.stop is Stop.EXHAUSTED:
            return found
        after = page.last[1]


async def leave(engine: Engine, keeper: str, silent_at: float | None = None) -> None:
    """A keeper is there no more. `silent_at`: unless it reported until later than that."""
    key = Key(Space.LEASES, KEEPERS, keeper.encode())

    def plan(stored: list[Stored | None]) -> Effects | Refused:
        row = stored[0]
        if row is None or (silent_at is not None and orjson.loads(row[0])["ends"] > silent_at):
            return Refused(None)
        return Effects(writes=((key, None),))

    await engine.update((key,), plan)
