"""Where an archive is, and with which root keys it is opened."""

from argparse import Namespace
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from statordb.archive.objects import LOST
from statordb.archive.whole import reading
from statordb.archive.whole.records import MomentRecord
from statordb.crypto.file_keys import FileKeys
from statordb.crypto.object_keys import ObjectKeys, StoreKey
from statordb.crypto.roots import Roots
from statordb.engine.contract import FormatTooNew
from statordb.model.unanswered import Unanswered
from statordb.objects.contract import Objects
from statordb.objects.faults import Foreign, ObjectsFault
from statordb.objects.opening import open_objects
from statordb.objects.sealed import SealedBucket
from statordb.server import sealing
from statordb.server.settings import BadStart, Settings


class Failed(Exception):
    """The command came to nothing; args[0] is a sentence for people."""


def objects_in(text: str, given: Namespace) -> Objects:
    """Raises BadStart."""
    try:
        return open_objects(text, Path(given.credentials) if given.credentials else None)
    except ValueError as fault:
        raise BadStart(f"The place {text!r} {fault}.") from None


def sealed(objects: Objects, roots: Roots, current: Callable[[], Awaitable[StoreKey]] | None = None) -> SealedBucket:
    """`current`: what new objects are sealed with; None: they are only read."""
    return SealedBucket(objects.own, ObjectKeys(roots, current))


def roots_with(settings: Settings, given: Namespace) -> Roots:
    """The root keys that the settings name, those in a file from the one that is given. Raises BadStart."""
    if given.keys is None:
        if settings.root_key == sealing.FILE and settings.key_directory is None:
            raise BadStart(
                "Name the root key file (--keys FILE): keys.json of the data directory that is lost, or a copy of it."
            )
        return sealing.roots_of(settings, settings.data)
    path = Path(given.keys)
    if not path.is_file():
        raise BadStart(f"There is no key file {path}.")
    return sealing.roots_of(settings, settings.data, lambda: FileKeys(path.parent, name=path.name))


async def found(archive: SealedBucket, place: str, id: str | None) -> MomentRecord:
    """A moment, the latest if none is named. Raises Failed, and what the bucket does."""
    ids = await reading.moments(archive)
    if not ids:
        raise Failed(f"There is no archive of a store in {place}.")
    if id is not None and id not in ids:
        raise Failed(f"The archive in {place} has no moment {id}: statordb backup verify tells which it has.")
    return await reading.moment(archive, id or ids[-1])


@contextmanager
def told_as_failed(place: str, keys: str | None) -> Iterator[None]:
    """What is wrong with a place is raised as Failed."""
    try:
        yield
    except Foreign as fault:
        keys = keys or "the settings"
        raise Failed(
            f"The archive in {place} is another store's than the root keys of {keys} ({fault.text}): use the key file "
            "of the store that is to come back."
        ) from None
    except LOST as fault:
        raise Failed(f"The archive in {place} is damaged, and can't be restored to this moment: {fault}.") from None
    except ObjectsFault as fault:
        raise Failed(f"The objects in {place} can't be used ({fault}).") from None
    except FormatTooNew:
        raise Failed(f"The archive in {place} is of a newer release.") from None
    except Unanswered as fault:
        raise Failed(f"The store does not answer ({fault}).") from None
