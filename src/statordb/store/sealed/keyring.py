"""The keys of a store as it keeps them: store keys in one row, data keys in one row each, all of them wrapped.

These rows lie in a space that is not sealed itself, at places that anybody can compute.
"""

import os
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from statordb.crypto import ring
from statordb.crypto.ring import StoreKeys, Wrapped
from statordb.crypto.roots import Roots
from statordb.crypto.rows import RowSealer, new_key
from statordb.crypto.sealer import Unsealable
from statordb.engine.contract import Effects, Engine, Key, Refused, Stored
from statordb.store import contention
from statordb.store.keyspace import Space
from statordb.store.record import Kind, Record
from statordb.store.sealed.places import Places, plain

ID_TRIES = 8  # at an id of a data key that nobody has
GUARDS_MAX = 1024  # places of rows that are remembered
RING_KEY = Key(Space.SEAL, plain(b"store keys"), b"")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreKeyRecord(Record):
    """A store key, wrapped. `provider`: by whom; `root`: with which of its keys."""

    id: str
    provider: str
    root: str
    wrapped: str  # Base64


@dataclass(frozen=True, slots=True, kw_only=True)
class RingRecord(Record):
    """The keys of a store. `current` wraps new data keys; `first` is the one that never changes."""

    current: str
    first: str
    keys: list[StoreKeyRecord] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataKeyRecord(Record):
    """A data key, wrapped. `by`: the name of the key that wraps it."""

    by: str
    wrapped: str  # Base64


RING: Kind[RingRecord] = Kind(RingRecord)
DATA_KEY: Kind[DataKeyRecord] = Kind(DataKeyRecord)


def data_key_row(id: bytes) -> Key:
    return Key(Space.SEAL, plain(b"data key " + id), b"")


def new_ring(roots: Roots, random: Callable[[int], bytes] = os.urandom) -> tuple[RingRecord, StoreKeys]:
    """The ring of a new store. Raises what the provider does."""
    id, key, wrapped = ring.made(roots.wrap, random)
    return RingRecord(current=id, first=id, keys=[_kept(id, wrapped)]), StoreKeys(id, id, {id: key}, random)


def unwrapped(record: RingRecord, roots: Roots, random: Callable[[int], bytes] = os.urandom) -> StoreKeys:
    """Raises Unsealable, and what the provider does."""
    keys = {kept.id: roots.unwrap(_wrapped(kept)) for kept in record.keys}
    return StoreKeys(record.current, record.first, keys, random)


def rewrapped(record: RingRecord, roots: Roots) -> RingRecord:
    """The same keys, wrapped by the current root key. Raises Unsealable, and what the provider does."""
    kept = [_kept(each.id, roots.wrap(roots.unwrap(_wrapped(each)))) for each in record.keys]
    return replace(record, keys=kept)


def wrapped_data_key(keys: StoreKeys, id: bytes, key: bytes) -> tuple[Key, bytes]:
    """The row of a data key."""
    by, wrapped = keys.wrap(id + key)
    return data_key_row(id), DATA_KEY.dump(DataKeyRecord(by=by, wrapped=b64encode(wrapped).decode()))


class Keyring:
    """The keys of a store that is open: seals and opens with data keys, and registers and finds these."""

    def __init__(
        self, engine: Engine, keys: StoreKeys, roots: Roots, random: Callable[[int], bytes] = os.urandom
    ) -> None:
        self.keys = keys
        self.roots = roots
        self.sealer = RowSealer()
        self.places = Places(keys.places(), keys.apart())
        self._engine = engine
        self._here = engine.here
        self._random = random
        self._guards: dict[Key, Key] = {}
        self.latest: tuple[bytes, bytes] | None = None  # what was sealed last: a plan may be given just that row next

    def guard(self, key: Key) -> Key:
        """The place of a row that guards updates: there are few, and they are asked for again and again."""
        found = self._guards.get(key)
        if found is None:
            if len(self._guards) >= GUARDS_MAX:
                self._guards.clear()
            found = self._guards[key] = self.places.key(key)
        return found

    @classmethod
    async def open(cls, engine: Engine, roots: Roots, random: Callable[[int], bytes] = os.urandom) -> "Keyring":
        """Of a store, whose keys are made if it has none. Raises Unsealable, and what the provider does."""
        found = await engine.get(RING_KEY)
        if found is not None:
            return cls(engine, unwrapped(RING.load(found.body), roots, random), roots, random)
        record, keys = new_ring(roots, random)
        body = RING.dump(record)

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            return Effects(writes=((RING_KEY, body),)) if stored[0] is None else Refused(stored[0].body)

        outcome = await contention.update(engine, (RING_KEY,), plan)
        if isinstance(outcome, Refused):  # another server came first
            keys = unwrapped(RING.load(outcome.reason), roots, random)
        return cls(engine, keys, roots, random)

    async def renew(self) -> None:
        """Register a data key, and seal with it. Raises what the engine does."""
        for _ in range(ID_TRIES):
            id, key = new_key(self._random)
            row, body = wrapped_data_key(self.keys, id, key)

            def plan(stored: list[Stored | None], row: Key = row, body: bytes = body) -> Effects | Refused:
                return Effects(writes=((row, body),)) if stored[0] is None else Refused(None)

            if not isinstance(await contention.update(self._engine, (row,), plan), Refused):
                self.sealer.use(id, key)
                return
        raise Unsealable("no id was free for a data key")

    async def rewrap(self) -> RingRecord:
        """Have the store's keys wrapped by the current root key. Processes that have them open go on with them. Raises
        Unsealable, and what the provider and the engine do."""
        while True:
            found = await self._engine.get(RING_KEY)
            if found is None:
                raise Unsealable("the store has no keys")
            record = rewrapped(RING.load(found.body), self.roots)
            version, body = found.version, RING.dump(record)

            def plan(stored: list[Stored | None], version: int = version, body: bytes = body) -> Effects | Refused:
                if stored[0] is None or stored[0].version != version:  # somebody else does the same
                    return Refused(None)
                return Effects(writes=((RING_KEY, body),))

            if not isinstance(await contention.update(self._engine, (RING_KEY,), plan), Refused):
                return record

    async def learn(self, id: bytes) -> None:
        """Find a data key. Raises Unsealable where the store has none of that id, and what the engine does."""
        found = await self._engine.get(data_key_row(id))
        self._learn(id, None if found is None else found.body)

    def learn_here(self, id: bytes) -> bool:
        """The same where rows are at hand; False: they are not. Raises Unsealable."""
        if self._here is None:
            return False
        self._learn(id, self._here.body(*data_key_row(id)))
        return True

    def _learn(self, id: bytes, body: bytes | None) -> None:
        if body is None:
            raise Unsealable("the row was sealed with a key of another store")
        record = DATA_KEY.load(body)
        found = self.keys.unwrap(record.by, b64decode(record.wrapped))
        if found[: len(id)] != id:
            raise Unsealable("the data key is another one's")
        self.sealer.learn(id, found[len(id) :])


def _kept(id: str, wrapped: Wrapped) -> StoreKeyRecord:
    text = b64encode(wrapped.wrapped).decode()
    return StoreKeyRecord(id=id, provider=wrapped.provider, root=wrapped.root, wrapped=text)


def _wrapped(kept: StoreKeyRecord) -> Wrapped:
    return Wrapped(kept.provider, kept.root, b64decode(kept.wrapped))
