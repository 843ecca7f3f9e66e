"""`statordb keys`: the root key that a store is sealed with."""

import asyncio
import os
import time
from argparse import Namespace

from statordb.crypto.file_keys import FileKeys
from statordb.server import directory, logs, sealing
from statordb.server.audit import directory as audit
from statordb.server.composition import CASSANDRA, open_store
from statordb.server.credential_commands import ENVIRONMENT
from statordb.server.settings import EXIT_BAD_START, BadStart, Settings, load
from statordb.store.sealed.engine import SealedEngine
from statordb.store.sealed.store_keys import STORE_KEYS_MAX


def run(arguments: Namespace) -> int:
    """Run a command; the exit code. Raises BadStart."""
    logs.configure("auto", "warning")
    settings = load(vars(arguments), {name: os.environ[name] for name in ENVIRONMENT if name in os.environ})
    if settings.engine != CASSANDRA:
        directory.must_have_store(settings.data)
    elif not settings.data.is_dir():
        raise BadStart(f"There is no store in {settings.data}.")
    audit.prepare(settings)
    code = EXIT_BAD_START
    try:
        code = asyncio.run(_rotate(settings))
    finally:
        asked = {"account": settings.account, "rootKey": settings.root_key}
        audit.record_command(settings.audit_directory, time.time(), "keys rotate", asked, code)
    return code


async def _rotate(settings: Settings) -> int:
    """Wrap the store's keys with the root key of the settings: in a file, a new one. The file has it first: whoever
    dies in between leaves a key more in the file."""
    store = await open_store(settings.data, settings)
    try:
        engine = store.engine
        assert isinstance(engine, SealedEngine)
        with sealing.told_of_keys():
            roots = engine.ring.roots
            root = roots.provider()
            if isinstance(root, FileKeys):
                root.rotate()
            record = await engine.ring.rotate()
        id = record.keys[0].root
        told = f"of {roots.current}" if id == roots.current else f"{id} of {roots.current}"
        then = " Back up the key file." if isinstance(root, FileKeys) else ""
        print(f"The keys of the store ({len(record.keys)}) are wrapped by the root key {told} now.{then}")
        if record.current in engine.ring.keys.known:
            print(f"A store has {STORE_KEYS_MAX} keys at most: no new one was made.")
        return 0
    finally:
        await store.close()
