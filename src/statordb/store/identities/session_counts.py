"""How many sessions an account begins, counted by the hour: they are kept until a day after their end, and whoever may
begin one could fill the store with them.

The count has a partition of its own, so that nobody who changes or reads identities meets those who count.
"""

from statordb.engine.contract import Effects, Engine, Key, Refused, Stored
from statordb.model.identity_limits import SESSIONS_HOUR_MAX
from statordb.store import contention
from statordb.store.identities.records import SESSIONS, SessionsRecord
from statordb.store.keyspace import Space

HOUR_SECONDS = 3600


async def count(engine: Engine, account: str, now: float) -> bool:
    """Count a session that is about to begin; False if it is one too many. Raises as `contention.update`."""
    key, hour = Key(Space.IDENTITIES, f"{account}/sessions".encode(), b""), int(now // HOUR_SECONDS)

    def plan(stored: list[Stored | None]) -> Effects | Refused:
        found = None if stored[0] is None else SESSIONS.load(stored[0].body)
        begun = 0 if found is None or found.hour != hour else found.begun
        if begun >= SESSIONS_HOUR_MAX:
            return Refused(None)
        return Effects(writes=((key, SESSIONS.dump(SessionsRecord(hour, begun + 1))),))

    return not isinstance(await contention.update(engine, (key,), plan), Refused)
