"""Where this server's objects are, by its settings. Whoever asks for them opens nothing yet."""

from pathlib import Path

from statordb.crypto.object_keys import ObjectKeys
from statordb.engine.contract import Engine
from statordb.objects.contract import Objects
from statordb.objects.opening import open_objects
from statordb.objects.sealed import SealedBucket
from statordb.server.settings import Settings
from statordb.store.sealed.engine import SealedEngine

FOLDER = "objects"  # of the data directory


def archives(settings: Settings) -> bool:
    """Whether the whole store is archived: by itself where objects are not lost with the data."""
    if settings.archive != "auto":
        return settings.archive == "on"
    if not settings.objects or settings.memory:
        return False
    data = settings.data.absolute()
    return settings.objects.startswith("s3://") or not Path(settings.objects).absolute().is_relative_to(data)


def objects_of(settings: Settings, directory: Path) -> Objects:
    """`directory`: of the server's data."""
    return open_objects(settings.objects or str(directory / FOLDER), settings.objects_credentials)


def sealed_objects_of(objects: Objects, engine: Engine) -> SealedBucket:
    """The server's own, under the keys of its store."""
    assert isinstance(engine, SealedEngine)
    return SealedBucket(objects.own, ObjectKeys(engine.ring.roots, engine.ring.newest))
