"""`statordb backup TO`: a whole store as it is at one moment, while a server runs on it or not."""

import secrets
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from statordb import __version__
from statordb.archive.whole.records import MomentRecord
from statordb.archive.whole.writing import write
from statordb.crypto.sealer import Unsealable
from statordb.engine.contract import Engine
from statordb.server import directory
from statordb.server.composition import CASSANDRA, embedded, open_store
from statordb.server.settings import Settings
from statordb.server.transfer.progress import Progress
from statordb.server.whole.place import Failed, objects_in, sealed, told_as_failed
from statordb.store import formats
from statordb.store.sealed.engine import SealedEngine
from statordb.store.sealed.keyring import RING_KEY
from statordb.store.store import Store

EXIT_MISSING = 1


async def back_up(settings: Settings, place: str, given: Namespace) -> int:
    """The exit code. Raises BadStart, Failed."""
    if settings.engine != CASSANDRA:
        directory.must_have_store(settings.data)
    objects = objects_in(place, given)
    store = await open_store(settings.data, settings)
    try:
        ring = _sealed(store).ring
        progress = Progress("Backed up", 0)
        with told_as_failed(place, None):
            async with _at_one_moment(store) as engine:
                now = store.clock.now()
                bucket = sealed(objects, ring.roots, ring.newest)
                moment = await write(engine, bucket, await _begun(engine, now), now, progress.add)
    except Unsealable as fault:
        raise Failed(f"A row of the store is damaged ({fault}): statordb verify tells which.") from None
    finally:
        await objects.close()
        await store.close()
    missing = [items for items in moment.tables if items.missing]
    for items in missing:
        progress.say(f"{items.arn} is left out: {items.missing}")
    at = datetime.fromtimestamp(moment.at, UTC).isoformat(timespec="milliseconds")
    progress.end(f"of {len(moment.tables) - len(missing)} tables and all else as of {at} to {place} ({moment.id})")
    return EXIT_MISSING if missing else 0


def _sealed(store: Store) -> SealedEngine:
    assert isinstance(store.engine, SealedEngine)
    return store.engine


@asynccontextmanager
async def _at_one_moment(store: Store) -> AsyncIterator[SealedEngine]:
    """What all of a store is read from."""
    under = embedded(store)
    if under is None:
        raise Failed("statordb backup is not there for the engine cassandra yet.")
    snapshot = under.snapshot()
    try:
        yield SealedEngine(snapshot, _sealed(store).ring)
    finally:
        snapshot.release()


async def _begun(engine: SealedEngine, now: float) -> MomentRecord:
    """The manifest but for its parts."""
    ring = await engine.under.get(RING_KEY)
    assert ring is not None, "a store that is open has keys"
    id = f"{int(now * 1000):014d}-{secrets.token_hex(4)}"
    return MomentRecord(id, now, engine.traits.name, __version__, await _formats(engine), ring.body.decode())


async def _formats(engine: Engine) -> int:
    found = await engine.get(formats.KEY)
    return formats.current() if found is None else int(found.body)
