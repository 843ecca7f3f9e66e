"""Snapshots of a whole store in memory, to which a test goes back in milliseconds."""

import asyncio
import re
import secrets
import shutil
from pathlib import Path

from statordb.engine.lmdb.engine import LmdbEngine
from statordb.store.keyspace import Space

SNAPSHOTS_MAX = 64
LEFT = (
    Space.SEAL, Space.LEASES, Space.SHARES, Space.LEDGER, Space.LEDGER_SUBJECTS, Space.LEDGER_CAPACITY, Space.INSIGHTS,
)  # fmt: skip
"""What is not put back: the keys of the rows, who does what, and what was counted."""
_NAME = re.compile(r"[0-9a-f]{16}")


class NoSnapshot(Exception):
    """There is none of that name, or none can be made; args[0] is one sentence."""


class Snapshots:
    """Those in a directory that all processes of the server know. `engine` None: the store is on a cluster."""

    def __init__(self, directory: Path, engine: LmdbEngine | None) -> None:
        self._directory = directory
        self._engine = engine

    def names(self) -> list[str]:
        return sorted(path.name for path in self._directory.glob("*")) if self._directory.is_dir() else []

    async def take(self) -> str:
        """Copy the store as it is; the copy's name. Raises NoSnapshot."""
        engine = self._embedded()
        if len(self.names()) >= SNAPSHOTS_MAX:
            raise NoSnapshot(f"There are {SNAPSHOTS_MAX} snapshots: forget some.")
        name = secrets.token_hex(8)
        (self._directory / name).mkdir(mode=0o700, parents=True)
        await engine.copy_to(self._directory / name)
        return name

    async def put_back(self, name: str) -> int:
        """Have the store be as a snapshot says; how many rows differed. Raises NoSnapshot."""
        return await self._embedded().put_back(self._path(name), LEFT)

    async def forget(self, name: str) -> None:
        """Raises NoSnapshot."""
        await asyncio.to_thread(shutil.rmtree, self._path(name))

    def _path(self, name: str) -> Path:
        path = self._directory / name
        if _NAME.fullmatch(name) is None or not path.is_dir():
            raise NoSnapshot("There is no snapshot of that name.")
        return path

    def _embedded(self) -> LmdbEngine:
        if self._engine is None:
            raise NoSnapshot("A store on a cluster has no snapshots: they are for embedded ones.")
        return self._engine
