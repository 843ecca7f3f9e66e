"""Where the objects of the store's archive lie."""

from pathlib import Path

from statordb.crypto.object_keys import ObjectKeys
from statordb.objects.directory import DirectoryObjects
from statordb.objects.sealed import SealedBucket
from statordb.store.sealed.engine import SealedEngine
from statordb.store.store import Store

DIRECTORY = "objects"  # in the data directory


def bucket_of(directory: Path, store: Store) -> SealedBucket:
    """What the server itself keeps there, sealed with the store's keys. `directory`: of the store's data."""
    engine = store.engine
    assert isinstance(engine, SealedEngine), "every store of a server is sealed"
    keys = ObjectKeys(engine.ring.roots, engine.ring.newest)
    return SealedBucket(DirectoryObjects(directory / DIRECTORY).own, keys)
