"""The keys of a store as it keeps them: store keys in one row, data keys in one row each, all of them wrapped.

These rows lie in a space that is not sealed itself, at places that anybody can compute.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Coroutine, Sequence

from statordb.crypto.object_keys import StoreKey
from statordb.crypto.ring import StoreKeys
from statordb.crypto.roots import Roots
from statordb.crypto.rows import RowSealer, new_key
from statordb.crypto.sealer import Unsealable
from statordb.engine.contract import Effects, Engine, Guard, Key, Refused, Stored
from statordb.store import contention
from statordb.store.keyspace import Space
from statordb.store.kms.records import OWNED, wrapping_key
from statordb.store.sealed.data_keys import DATA_KEY, ID_TRIES, data_key_row, dumped, register
from statordb.store.sealed.places import Places, plain
from statordb.store.sealed.store_keys import (
    LOOK_SECONDS,
    RING,
    RingRecord,
    new_ring,
    newest_of,
    opened,
    ring_of,
    rotated,
    unwrapped,
)
from statordb.store.sealed.table_keys import TableKeys

GUARDS_MAX = 1024  # of updates, that are remembered as the engine beneath knows them
RING_KEY = Key(Space.SEAL, plain(b"store keys"), b"")

log = logging.getLogger(__name__)


def wrapped_data_key(keys: StoreKeys, id: bytes, key: bytes) -> tuple[Key, bytes]:
    """The row of a data key."""
    by, wrapped = keys.wrap(id + key)
    return data_key_row(id), dumped(by, wrapped)


class Keyring:
    """The keys of a store that is open: seals and opens with data keys, and registers and finds these."""

    def __init__(
        self,
        engine: Engine,
        keys: StoreKeys,
        roots: Roots,
        random: Callable[[int], bytes] = os.urandom,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.keys = keys
        self.roots = roots
        self.sealer = RowSealer()
        self.tables = TableKeys(engine, self.sealer, random, self._forget_latest)
        self.places = Places(keys.places(), keys.apart())
        self._engine = engine
        self._here = engine.here
        self._random = random
        self._now = now
        self._version: int | None = None  # of the row of the store's keys
        self._ring: RingRecord | None = None  # that row
        self._watching: asyncio.Task[None] | None = None
        self._guards: dict[Sequence[Guard], Sequence[Guard]] = {}
        self.covered = self.tables.covers.by_space
        self.latest: tuple[bytes, bytes] | None = None  # what was sealed last: a plan may be given just that row next

    def _forget_latest(self) -> None:
        self.latest = None

    def guards(self, guards: Sequence[Guard]) -> Sequence[Guard]:
        """Guards as the engine beneath is given them: there are few, and they are asked for again and again."""
        guards = tuple(guards)
        hidden = self._guards.get(guards)
        if hidden is None:
            if len(self._guards) >= GUARDS_MAX:
                self._guards.clear()
            hidden = self._guards[guards] = [(self.places.key(key), version) for key, version in guards]
        return hidden

    @classmethod
    async def open(
        cls,
        engine: Engine,
        roots: Roots,
        random: Callable[[int], bytes] = os.urandom,
        now: Callable[[], float] = time.time,
    ) -> "Keyring":
        """Of a store, whose keys are made if it has none. Raises Unsealable, and what the provider does."""
        found = await engine.get(RING_KEY)
        if found is not None:
            return cls(engine, unwrapped(ring_of(found.body), roots, now(), random), roots, random, now)
        record, keys = new_ring(roots, random)
        body = RING.dump(record)

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            return Effects(writes=((RING_KEY, body),)) if stored[0] is None else Refused(stored[0].body)

        outcome = await contention.update(engine, (RING_KEY,), plan)
        if isinstance(outcome, Refused):  # another server came first
            keys = unwrapped(ring_of(outcome.reason), roots, now(), random)
        return cls(engine, keys, roots, random, now)

    async def renew(self) -> None:
        """Register a data key, and seal with it. Raises what the engine does."""
        for _ in range(ID_TRIES):
            id, key = new_key(self._random)
            _, body = wrapped_data_key(self.keys, id, key)
            if await register(self._engine, id, body):
                self.sealer.use(id, key)
                return
        raise Unsealable("no id was free for a data key")

    async def rotate(self) -> RingRecord:
        """Make a new store key, if there may be one more, and have the root key that is the current one wrap it.
        Processes that run go on with the keys that they have. Raises Unsealable, and what the provider and the engine
        do."""
        while True:
            found = await self._engine.get(RING_KEY)
            if found is None:
                raise Unsealable("the store has no keys")
            record = rotated(ring_of(found.body), self.roots, self._now(), self._random)
            version, body = found.version, RING.dump(record)

            def plan(stored: list[Stored | None], version: int = version, body: bytes = body) -> Effects | Refused:
                if stored[0] is None or stored[0].version != version:  # somebody else does the same
                    return Refused(None)
                return Effects(writes=((RING_KEY, body),))

            if not isinstance(await contention.update(self._engine, (RING_KEY,), plan), Refused):
                return record

    async def refresh(self) -> None:
        """Know the store keys that were made since the store was opened. Raises Unsealable, and what the provider and
        the engine do."""
        found = await self._engine.get(RING_KEY)
        if found is None or found.version == self._version:
            return
        record = ring_of(found.body)
        if any(kept.id not in self.keys.known for kept in record.keys):
            for id, key in (await asyncio.to_thread(opened, record, self.roots, self.keys.known)).items():
                self.keys.learn(id, key)
        self._ring = record
        self._version = found.version

    async def newest(self) -> StoreKey:
        """The newest store key, which is the one that a root key has wrapped. Raises as `refresh`."""
        await self.refresh()
        if self._ring is None:
            raise Unsealable("the store has no keys")
        return newest_of(self._ring, self.keys.known)

    def watch(self) -> None:
        """Refresh now and then, until `close`."""
        self._watching = asyncio.get_running_loop().create_task(self._watch())

    def close(self) -> None:
        if self._watching is not None:
            self._watching.cancel()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                self.tables.heed()  # also where nobody asks for anything
                await self.refresh()
            except Exception:  # the store or the root key is away
                log.warning("store keys can't be looked for", exc_info=True)

    async def learn(self, id: bytes) -> None:
        """Find a data key. Raises Unsealable where the store has none of that id, ClientError where a key of KMS wraps
        it that can't be used, and what the engine does."""
        found = await self._engine.get(data_key_row(id))
        await self._learn(id, None if found is None else found.body)

    def learn_here(self, id: bytes) -> bool:
        """The same where rows are at hand; False: they are not."""
        if self._here is None:
            return False
        _at_once(self._learn(id, self._here.body(*data_key_row(id))))
        return True

    async def _learn(self, id: bytes, body: bytes | None) -> None:
        if body is None:
            raise Unsealable("the row was sealed with a key of another store")
        record = DATA_KEY.load(body)
        if wrapping_key(record.by) is not None:
            await self.tables.learn(id, record)
            return
        found = self.keys.unwrap(record.by, record.sealed)
        if found[: len(id)] != id:
            raise Unsealable("the data key is another one's")
        self.sealer.learn(id, found[len(id) :])

    async def wrapped_by(self, id: bytes) -> str:
        """What wraps a data key: `OWNED`, or a key of KMS. Raises as `learn`."""
        name = self.tables.wrapped_by(id)
        if name == OWNED and not self.sealer.knows(id):
            await self.learn(id)
            name = self.tables.wrapped_by(id)
        return name


def _at_once(work: Coroutine[None, None, None]) -> None:
    """Do what waits for nobody, as no read does where rows are at hand."""
    try:
        work.send(None)
    except StopIteration:
        return
    work.close()
    raise RuntimeError("a read had to wait")
