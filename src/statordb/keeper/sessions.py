"""Forgets the temporary keys of sessions, some time after they have expired."""

from functools import partial

from statordb.store.credentials import session_is_over
from statordb.store.forgetting import forget_chunk
from statordb.store.keyspace import Space
from statordb.store.store import Store
from statordb.store.terms import Place


class Sessions:
    """One chunk a run, through all access keys, then again after a while."""

    name = "sessions"
    every_seconds = 300.0

    def __init__(self, store: Store) -> None:
        self._store = store
        self._after: Place | None = None

    async def run_once(self) -> bool:
        is_over = partial(session_is_over, now=self._store.clock.now())
        self._after = await forget_chunk(self._store.engine, Space.CREDENTIALS, is_over, self._after)
        return self._after is not None
