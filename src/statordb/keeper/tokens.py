"""Forgets the client request tokens of write transactions after their ten minutes."""

from functools import partial

from statordb.store.forgetting import forget_chunk
from statordb.store.keyspace import Space
from statordb.store.store import Store
from statordb.store.terms import Place
from statordb.store.transactions import token_expired


class Tokens:
    """One chunk a run, through all tokens, then again after a while."""

    name = "tokens"
    every_seconds = 60.0

    def __init__(self, store: Store) -> None:
        self._store = store
        self._after: Place | None = None

    async def run_once(self) -> bool:
        is_over = partial(token_expired, now=self._store.clock.now())
        self._after = await forget_chunk(self._store.engine, Space.TOKENS, is_over, self._after)
        return self._after is not None
