"""Rows are sealed at rest: the providers of root keys that the settings name, and what is told where they fail."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from statordb.crypto.file_keys import FILE_NAME, FileKeys, KeyFileUnusable
from statordb.crypto.ring import KEY_PREFIX
from statordb.crypto.roots import MADE, Either, Roots, RootUnusable
from statordb.crypto.sealer import KeyProvider, Unsealable
from statordb.engine.contract import Engine
from statordb.engine.rewriting import Rewrite
from statordb.server.settings import BadStart, Settings
from statordb.store.sealed.engine import SealedEngine
from statordb.store.sealed.keyring import Keyring
from statordb.store.sealed.sealing import Sealing

FILE = "file"

log = logging.getLogger(__name__)


def roots_of(settings: Settings, directory: Path, file: MADE | None = None) -> Roots:
    """The providers that the settings name. `file`: in place of the keys in the key file. Raises BadStart."""
    place = settings.key_directory or directory
    if settings.key_directory is not None and not place.is_dir():
        raise BadStart(f"The directory {place} of key_directory is not there.")
    providers: dict[str, MADE] = {FILE: file or (lambda: FileKeys(place))}
    if settings.root_key_command:
        providers["command"] = lambda: _command(settings)
    if settings.vault_address:
        providers["vault"] = lambda: _vault(settings)
    if settings.root_kms_keys:
        providers["kms"] = lambda: _kms(settings)
    return Roots(settings.root_key, providers)


def _command(settings: Settings) -> KeyProvider:
    from statordb.crypto.command_keys import CommandKeys  # few servers have any of these

    return CommandKeys(settings.root_key_command)


def _vault(settings: Settings) -> KeyProvider:
    from statordb.crypto.vault_keys import Transit, VaultKeys

    assert settings.vault_token_file
    return VaultKeys(
        Transit(
            settings.vault_address,
            settings.vault_mount,
            settings.vault_keys,
            settings.vault_token_file,
            settings.vault_namespace,
            settings.vault_ca,
        )
    )


def _kms(settings: Settings) -> KeyProvider:
    from statordb.crypto.kms_keys import KmsKeys

    return KmsKeys(settings.root_kms_keys, settings.root_kms_region, settings.root_kms_endpoint or None)


async def sealed(engine: Engine, roots: Roots, writes: bool = True) -> SealedEngine:
    """The engine that callers see. `writes`: it can write already; else it gets a data key with its first write. Raises
    Unsealable, and what a provider does."""
    ring = await Keyring.open(engine, roots)
    if writes:
        await ring.renew()  # now, so that no write has to wait for it
    return SealedEngine(engine, ring)


def tell(engine: Engine) -> None:
    """Log what should be done about the root key."""
    assert isinstance(engine, SealedEngine)
    roots = engine.ring.roots
    others = sorted(roots.asked - {roots.current})
    if others:
        log.warning(
            "the store's keys are wrapped by another root key than that of the settings: run statordb keys rotate",
            extra={"wrapped_by": ",".join(others), "root_key": roots.current},
        )


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
