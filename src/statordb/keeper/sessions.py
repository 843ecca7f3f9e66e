"""Forgets the temporary keys of sessions, some time after they have expired."""

from functools import partial

from statordb.keeper.forgetting import forget
from statordb.store.credentials import session_is_over
from statordb.store.keyspace import Space
from statordb.store.store import Store
from statordb.store.terms import Budget, Key, Stop

_CHUNK = Budget(rows_max=200, bytes_max=1 << 20)


class Sessions:
    """One chunk a run, through all access keys, then again after a while."""

    name = "sessions"
    every_seconds = 300.0

    def __init__(self, store: Store) -> None:
        self._store = store
        self._after: tuple[bytes, bytes] | None = None

    async def run_once(self) -> bool:
        engine, now = self._store.engine, self._store.clock.now()
        page = await engine.scan(Space.CREDENTIALS, 0, 1, _CHUNK, self._after)
        over = [Key(Space.CREDENTIALS, row.partition, row.sort) for row in page.rows if session_is_over(row.body, now)]
        await forget(engine, over, partial(session_is_over, now=now))
        done = page.stop is Stop.EXHAUSTED
        self._after = None if done else page.last
        return not done
