"""What a whole store is read from."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from statordb.engine.lmdb.engine import LmdbEngine
from statordb.store.sealed.engine import SealedEngine
from statordb.store.store import Store


def embedded(store: Store) -> LmdbEngine | None:
    """The engine of this process's store, if it has the rows in a directory and writes there."""
    engine = store.engine
    under = engine.under if isinstance(engine, SealedEngine) else engine
    return under if isinstance(under, LmdbEngine) else None


@asynccontextmanager
async def at_one_moment(store: Store) -> AsyncIterator[SealedEngine]:
    """The store as it is now, whatever is written meanwhile; on a cluster, as it is when it is read."""
    assert isinstance(store.engine, SealedEngine)
    under = embedded(store)
    if under is None:
        yield store.engine
        return
    snapshot = under.snapshot()
    try:
        yield SealedEngine(snapshot, store.engine.ring)
    finally:
        snapshot.release()
