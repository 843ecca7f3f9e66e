"""What the servers of a store tell each other of the units that they spend: a row of each, put again every second while
there is anything to tell."""

from typing import Any, NamedTuple

import orjson

from statordb.engine.contract import Effects, Engine, Key
from statordb.metering.shares import Report
from statordb.store import contention
from statordb.store.keyspace import Space
from statordb.store.rows import rows

FORMAT = 1
STALE_SECONDS = 60.0  # after which the row of a server that tells nothing new is taken away
SERVERS_MAX = 1000  # whose rows are read
_PARTITION = b"servers"


class Told(NamedTuple):
    """When a server told something, in seconds since the epoch, and what."""

    at: float
    report: Report


class Sharing:
    """The rows, as one server has them. `server`: a name that no other ever has."""

    def __init__(self, engine: Engine, server: str) -> None:
        self._engine = engine
        self._server = server
        self._has_told = False
        self._seen: dict[str, tuple[float, float]] = {}  # server -> when it told, and when that was first seen

    async def tell(self, report: Report, now: float) -> None:
        """Put, or take away, this server's row."""
        if not report and not self._has_told:
            return
        body = orjson.dumps({"format": FORMAT, "at": now, "buckets": report}) if report else None
        await self._put(self._server, body)
        self._has_told = bool(report)

    async def heard(self, monotonic: float) -> dict[str, Told]:
        """What the others have told. Rows of those that are gone are taken away."""
        found: dict[str, Told] = {}
        seen: dict[str, tuple[float, float]] = {}
        stale = []
        async for row in rows(self._engine, Space.SHARES, _PARTITION):
            server = row.sort.decode()
            told = _read(row.body)
            if server == self._server or len(found) >= SERVERS_MAX or told is None:
                continue
            at, since = self._seen.get(server, (told.at, monotonic))
            seen[server] = (at, since) if at == told.at else (told.at, monotonic)
            if monotonic - seen[server][1] > STALE_SECONDS:
                stale.append(server)
            else:
                found[server] = told
        self._seen = seen
        for server in stale:
            await self._put(server, None)
        return found

    async def _put(self, server: str, body: bytes | None) -> None:
        key = Key(Space.SHARES, _PARTITION, server.encode())
        await contention.update(self._engine, (key,), lambda stored: Effects(writes=((key, body),)))


def _read(body: bytes) -> Told | None:
    """None for what a newer release wrote."""
    members: dict[str, Any] = orjson.loads(body)
    return Told(members["at"], members["buckets"]) if members["format"] == FORMAT else None
