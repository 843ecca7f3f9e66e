"""Forgets the client request tokens of write transactions after their ten minutes."""

from functools import partial

from statordb.keeper.forgetting import forget
from statordb.store.keyspace import Space
from statordb.store.store import Store
from statordb.store.terms import Budget, Key, Stop
from statordb.store.transactions import token_expired

_CHUNK = Budget(rows_max=200, bytes_max=1 << 20)


class Tokens:
    """One chunk a run, through all tokens, then again after a while."""

    name = "tokens"
    every_seconds = 60.0

    def __init__(self, store: Store) -> None:
        self._store = store
        self._after: tuple[bytes, bytes] | None = None

    async def run_once(self) -> bool:
        engine, now = self._store.engine, self._store.clock.now()
        page = await engine.scan(Space.TOKENS, 0, 1, _CHUNK, self._after)
        expired = [Key(Space.TOKENS, row.partition, row.sort) for row in page.rows if token_expired(row.body, now)]
        await forget(engine, expired, partial(token_expired, now=now))
        done = page.stop is Stop.EXHAUSTED
        self._after = None if done else page.last
        return not done
