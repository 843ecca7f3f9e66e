"""Rows are sealed at rest: the providers of root keys that the settings name, and what is told where they fail."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from statordb.crypto.file_keys import FILE_NAME, FileKeys, KeyFileUnusable
from statordb.crypto.ring import KEY_PREFIX
from statordb.crypto.roots import Either, Roots, RootUnusable
from statordb.crypto.sealer import KeyProvider, Unsealable
from statordb.engine.contract import Engine
from statordb.engine.rewriting import Rewrite
from statordb.server.settings import BadStart, Settings
from statordb.store.sealed.engine import SealedEngine
from statordb.store.sealed.keyring import Keyring
from statordb.store.sealed.sealing import Sealing

FILE = "file"


def roots_of(settings: Settings, directory: Path) -> Roots:
    """The providers that the settings name. Raises BadStart."""
    place = settings.key_directory or directory
    if settings.key_directory is not None and not place.is_dir():
        raise BadStart(f"The directory {place} of key_directory is not there.")
    return Roots(FILE, {FILE: lambda: FileKeys(place)})


async def sealed(engine: Engine, roots: Roots, writes: bool = True) -> SealedEngine:
    """The engine that callers see. `writes`: it can write already; else it gets a data key with its first write. Raises
    Unsealable, and what a provider does."""
    ring = await Keyring.open(engine, roots)
    if writes:
        await ring.renew()  # now, so that no write has to wait for it
    return SealedEngine(engine, ring)


def rewrite(roots: Roots) -> Rewrite:
    """What seals a store of before rows were sealed."""
    return lambda read: Sealing(read, roots)


def keys_of(engine: Engine) -> KeyProvider:
    """What secrets are sealed with: the store's keys, and what was asked for them before there were any."""
    assert isinstance(engine, SealedEngine)
    ring = engine.ring
    return Either(ring.keys, lambda: ring.roots.provider(FILE), KEY_PREFIX)


@contextmanager
def told_of_keys() -> Iterator[None]:
    """What is wrong with the keys of a store is raised as BadStart."""
    try:
        yield
    except (KeyFileUnusable, RootUnusable) as error:
        raise BadStart(str(error.args[0])) from None
    except Unsealable as error:
        raise BadStart(
            f"The store was sealed with other root keys than those of {FILE_NAME} ({error}): "
            "copy that file from a server that runs on the store, or from a backup of it."
        ) from None
