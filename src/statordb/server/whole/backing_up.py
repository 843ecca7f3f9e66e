"""`statordb backup TO`: a whole store as it is at one moment, while a server runs on it or not."""

from argparse import Namespace

from statordb.archive.history import text_of
from statordb.archive.whole.writing import begun, write
from statordb.crypto.sealer import Unsealable
from statordb.server import directory
from statordb.server.composition import CASSANDRA, open_store
from statordb.server.settings import Settings
from statordb.server.snapshots import at_one_moment
from statordb.server.transfer.progress import Progress
from statordb.server.whole.place import Failed, objects_in, sealed, told_as_failed
from statordb.store.sealed.engine import SealedEngine

EXIT_MISSING = 1


async def back_up(settings: Settings, place: str, given: Namespace) -> int:
    """The exit code. Raises BadStart, Failed."""
    if settings.engine == CASSANDRA:
        raise Failed("statordb backup is of the embedded store: a cluster has its archive (the setting archive).")
    directory.must_have_store(settings.data)
    objects = objects_in(place, given)
    store = await open_store(settings.data, settings)
    try:
        assert isinstance(store.engine, SealedEngine)
        ring = store.engine.ring
        progress = Progress("Backed up", 0)
        with told_as_failed(place, None):
            async with at_one_moment(store) as engine:
                now = store.clock.now()
                bucket = sealed(objects, ring.roots, ring.newest)
                moment = await write(engine, bucket, await begun(engine, now), now, progress.add)
    except Unsealable as fault:
        raise Failed(f"A row of the store is damaged ({fault}): statordb verify tells which.") from None
    finally:
        await objects.close()
        await store.close()
    missing = [items for items in moment.tables if items.missing]
    for items in missing:
        progress.say(f"{items.arn} is left out: {items.missing}")
    at = text_of(moment.at)
    progress.end(f"of {len(moment.tables) - len(missing)} tables and all else as of {at} to {place} ({moment.id})")
    return EXIT_MISSING if missing else 0
