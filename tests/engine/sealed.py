"""Engines whose rows are sealed, with keys that nobody keeps."""

import os
from collections.abc import Callable
from pathlib import Path

from statordb.crypto.file_keys import FileKeys
from statordb.crypto.roots import Roots
from statordb.engine.contract import Engine
from statordb.engine.lmdb.engine import LmdbEngine
from statordb.engine.lmdb.keys import SPREAD
from statordb.store.sealed.engine import SealedEngine
from statordb.store.sealed.keyring import Keyring
from statordb.store.sealed.sealing import Sealing

Random = Callable[[int], bytes]


def roots_in(directory: Path, random: Random = os.urandom) -> Roots:
    return Roots("file", {"file": lambda: FileKeys(directory, random)})


def open_lmdb(directory: Path, random: Random = os.urandom) -> LmdbEngine:
    """The embedded engine as a server has it, under the sealed one."""
    roots = roots_in(directory, random)
    return LmdbEngine.open(directory, durable=False, digest=SPREAD, rewrite=lambda read: Sealing(read, roots, random))


async def seal(engine: Engine, directory: Path, random: Random = os.urandom) -> SealedEngine:
    """`random`: what keys come of. Where it is repeated, so is the order of partitions."""
    ring = await Keyring.open(engine, roots_in(directory, random), random)
    await ring.renew()
    return SealedEngine(engine, ring)
