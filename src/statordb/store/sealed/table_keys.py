"""Rows of tables that have a key of KMS: their data keys are wrapped by that, and not by the keys of the store.

A process has one data key for each such key that it writes under. Which spaces are whose is told by the catalog with
each table that it gives out (`TableKeys.cover`), and holds as long as somebody has that table. What is announced of a
key of KMS makes a process forget all data keys that it has wrapped: they are unwrapped again when they are needed, if
the key may be used then.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import Protocol

from statordb.crypto.rows import DATA_KEYS_MAX, RowSealer, new_key
from statordb.crypto.sealer import Unsealable
from statordb.engine.contract import Engine
from statordb.store.kms.keys import keys_in
from statordb.store.kms.records import OWNED, KeyName, wrapping_key
from statordb.store.news import News
from statordb.store.sealed.covers import Cover, Covered, Covers, TableSealer
from statordb.store.sealed.data_keys import ID_TRIES, DataKeyRecord, dumped, register

SEALERS_MAX = 1024  # that have a data key at hand, each about 0.5 KB


class Wrapper(Protocol):
    """Keys of KMS, by the names that stand in data keys' records."""

    async def wrap(self, name: str, id: bytes, data_key: bytes) -> bytes: ...

    async def unwrap(self, name: str, id: bytes, wrapped: bytes) -> bytes: ...


class TableKeys:
    """The data keys of a process that keys of KMS have wrapped."""

    def __init__(
        self,
        engine: Engine,
        sealer: RowSealer,
        random: Callable[[int], bytes] = os.urandom,
        forget: Callable[[], None] = lambda: None,
    ) -> None:
        """`engine`: the one that has the rows; `sealer`: the one that opens; `forget`: called when data keys are."""
        self.covers = Covers()
        self.wrapper: Wrapper | None = None  # none before there is KMS
        self._engine = engine
        self._opener = sealer
        self._random = random
        self._forget = forget
        self._sealers: dict[str, TableSealer] = {}  # by name, the latest last
        self._wrapped_by: dict[bytes, str] = {}  # data keys that are known, by their ids
        self._news = News(engine)
        self._forgotten = 0  # how often something was
        self._readying = asyncio.Lock()

    def cover(self, spaces: Sequence[int], version: int, name: str) -> Cover:
        """Have what is written from now on sealed under what has a name, for as long as the cover is kept. `spaces`: of
        a table, its items' first; `version`: of the record that says so."""
        sealer = None if name == OWNED else self._sealer_of(name)
        return Cover(self.covers, Covered(spaces, version, sealer))

    def _sealer_of(self, name: str) -> TableSealer:
        sealer = self._sealers.get(name)
        return self._hold(TableSealer(self._opener, name)) if sealer is None else sealer

    def _hold(self, sealer: TableSealer) -> TableSealer:
        """Keep a sealer at hand, as the only one of its name."""
        sealers = self._sealers
        former = sealers.pop(sealer.name, None)
        if former is not None and former is not sealer:
            former.rest()
        sealers[sealer.name] = sealer
        if len(sealers) > SEALERS_MAX:
            sealers.pop(next(iter(sealers))).rest()
        return sealer

    # What is forgotten

    def heed(self) -> None:
        """Forget what was wrapped by keys of KMS of which something was announced. Costs next to nothing else."""
        if self._engine.epoch() == self._news.seen:
            return
        changed = keys_in(self._news.fetch())
        if changed is not None and not changed:
            return
        self._forgotten += 1
        self._forget()
        for id, name in list(self._wrapped_by.items()):
            if _is_among(name, changed):
                del self._wrapped_by[id]
                self._opener.forget(id)
        for sealer in self._sealers.values():
            if _is_among(sealer.name, changed):
                sealer.rest()

    def wrapped_by(self, id: bytes) -> str:
        """What wraps a data key that is known."""
        return self._wrapped_by.get(id, OWNED)

    # What is unwrapped

    async def learn(self, id: bytes, record: DataKeyRecord) -> None:
        """Open what was sealed with a data key. Raises Unsealable, and ClientError as of a closed table."""
        while True:
            self.heed()
            forgotten = self._forgotten
            key = await self._known().unwrap(record.by, id, record.sealed)
            self.heed()
            if forgotten == self._forgotten:  # else the key may have been closed in between
                break
        self._opener.learn(id, key)
        self._note(id, record.by)

    async def ready(self, sealer: TableSealer) -> None:
        """Give a sealer a data key. Raises Unsealable, ClientError as of a closed table, and what the engine does."""
        async with self._readying:
            while sealer.due:
                self.heed()
                forgotten = self._forgotten
                id, key = await self._unwrapped(sealer) if sealer.rests and sealer.kept else await self._new(sealer)
                self.heed()
                if forgotten == self._forgotten:
                    self._hold(sealer).use(id, key)
                    self._note(id, sealer.name)

    async def _unwrapped(self, sealer: TableSealer) -> tuple[bytes, bytes]:
        """The data key that a sealer had."""
        assert sealer.kept is not None
        id, wrapped = sealer.kept
        return id, await self._known().unwrap(sealer.name, id, wrapped)

    async def _new(self, sealer: TableSealer) -> tuple[bytes, bytes]:
        for _ in range(ID_TRIES):
            id, key = new_key(self._random)
            wrapped = await self._known().wrap(sealer.name, id, key)
            if await register(self._engine, id, dumped(sealer.name, wrapped)):
                sealer.kept = id, wrapped
                return id, key
        raise Unsealable("no id was free for a data key")

    def _known(self) -> Wrapper:
        if self.wrapper is None:
            raise Unsealable("the row was sealed under a key of KMS, which is not there")
        return self.wrapper

    def _note(self, id: bytes, name: str) -> None:
        known = self._wrapped_by
        known[id] = name
        if len(known) > DATA_KEYS_MAX:
            self._wrapped_by = {id: name for id, name in known.items() if self._opener.knows(id)}


def _is_among(name: str, keys: set[KeyName] | None) -> bool:
    found = wrapping_key(name)
    return keys is None or (found is not None and found[0] in keys)
