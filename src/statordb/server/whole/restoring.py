"""`statordb restore`: a whole store from its archive, into a new data directory or an empty keyspace."""

import os
from argparse import Namespace
from pathlib import Path

from statordb.archive.history import text_of
from statordb.archive.whole.records import MomentRecord
from statordb.archive.whole.restoring import Restored, Restoring
from statordb.crypto.file_keys import FILE_NAME
from statordb.crypto.roots import Roots
from statordb.engine.contract import Engine, StoreUnusable
from statordb.engine.lmdb import environment
from statordb.objects.sealed import SealedBucket
from statordb.server import directory, sealing
from statordb.server.composition import CASSANDRA, open_engine, open_store, told_as_bad_start
from statordb.server.objects import objects_of
from statordb.server.settings import BadStart, Settings
from statordb.server.transfer.progress import Progress
from statordb.server.whole.place import Failed, found, objects_in, roots_with, sealed, told_as_failed
from statordb.store import formats
from statordb.store.sealed.engine import SealedEngine
from statordb.store.whole import marker

EXIT_MISSING = 1
_OWN_FILES = frozenset(
    (
        *(environment.DATA_FILE, "lock.mdb", environment.EPOCH_FILE, environment.WRITERS_FILE),
        *(environment.LATCH_FILE, environment.OPENING_FILE, directory.LOCK_NAME, FILE_NAME),
    )
)
"""What a restore has made in a directory before it made anything that can be used."""
_DRAFT = f".{FILE_NAME}."


async def restore(settings: Settings, given: Namespace) -> int:
    """The exit code. Raises BadStart, Failed."""
    place = given.source
    _must_be_new(settings)
    roots = roots_with(settings, given)
    objects = objects_in(place, given)
    try:
        archive = sealed(objects, roots)
        with told_as_failed(place, given.keys):
            moment = await found(archive, place, given.at)
            if moment.formats > formats.current():
                raise Failed(f"The archive in {place} is of the newer release {moment.release}.")
            held = directory.hold_data(settings.data)
            try:
                _take_keys(settings, given)
                await _begin(settings, roots, moment)
                restored = await _restored(settings, archive, moment)
            finally:
                held.release()
    finally:
        await objects.close()
    return _tell(restored)


def _must_be_new(settings: Settings) -> None:
    """Raises BadStart where a directory has what no restore has put there. Whether a store there is whole is seen when
    it is opened."""
    path = settings.data
    if path.is_dir() and settings.engine != CASSANDRA:
        found = {each.name for each in path.iterdir()} - _OWN_FILES
        others = sorted(name for name in found if not name.startswith(_DRAFT))
        if others:
            raise BadStart(f"The directory {path} is not empty (it has {others[0]}): name a new one.")


def _take_keys(settings: Settings, given: Namespace) -> None:
    """Put the key file where the server will look for it. Raises BadStart."""
    if given.keys is None or settings.root_key != sealing.FILE:
        return
    content = Path(given.keys).read_bytes()
    target = (settings.key_directory or settings.data) / FILE_NAME
    if target.exists():
        if target.read_bytes() != content:
            raise BadStart(f"There is another key file in the place of {given.keys}: {target}.")
        return
    fresh = target.with_name(f"{_DRAFT}{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(target)


async def _begin(settings: Settings, roots: Roots, moment: MomentRecord) -> None:
    """Note that the store is being brought back. Raises BadStart where there is one."""
    where = f"keyspace {settings.keyspace}" if settings.engine == CASSANDRA else str(settings.data)
    with told_as_bad_start(where):
        under: Engine = await open_engine(settings.data, settings, roots)
        try:
            other = await marker.being_restored(under)
            if not await marker.begin(under, moment.id, moment.ring):
                if other is None:
                    raise StoreUnusable(f"there is a store in {where} already: a restore wants a place without one.")
                raise StoreUnusable(f"the store in {where} was being brought back to another moment: use --at {other}.")
        finally:
            await under.close()


async def _restored(settings: Settings, archive: SealedBucket, moment: MomentRecord) -> Restored:
    store = await open_store(settings.data, settings, restores=True)
    own = objects_of(settings, settings.data)
    progress = Progress("Restored", sum(chunk.size for items in moment.tables for chunk in items.chunks))
    try:
        assert isinstance(store.engine, SealedEngine)
        objects = sealed(own, store.engine.ring.roots)
        restored = await Restoring(store, archive, objects, moment, progress.add).run()
        await marker.end(store.engine.under)
    finally:
        await own.close()
        await store.close()
    at = text_of(moment.through or moment.at)
    progress.end(f"of {restored.tables} tables and all else as of {at} to {settings.data}")
    return restored


def _tell(restored: Restored) -> int:
    for arn in restored.fresh:
        print(f"{arn}: its stream, and what is sent of it, begin anew, with nothing of before.")
    if restored.lost:
        print(f"{len(restored.lost)} backups are not among the objects of this store, the first {restored.lost[0]}.")
    for arn, why in restored.shortened:
        print(f"{arn} is as it was before a loss: {why}")
    for arn, why in restored.missing:
        print(f"{arn} is not restored: {why}")
    return EXIT_MISSING if restored.missing or restored.shortened else 0
