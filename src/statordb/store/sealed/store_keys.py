"""The store's own keys as they are kept: the current one wrapped by a provider of root keys, older ones by the current
one, which is the only one that a root is asked for.

A rotation makes a new one. Processes that run look for it now and then; those that start use it once all can have it.
"""

import os
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from statordb.crypto import ring
from statordb.crypto.object_keys import StoreKey
from statordb.crypto.ring import STORE_KEY_ID_BYTES, StoreKeys, Wrapped
from statordb.crypto.roots import Roots
from statordb.crypto.sealer import Unsealable
from statordb.store.record import Kind, Record

STORE = "store"  # what stands for a provider where the current store key wraps an older one
STORE_KEYS_MAX = 256
LEAD_SECONDS = 60.0  # from the making of a store key to its first use
LOOK_SECONDS = 20.0  # between looks for a new one


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreKeyRecord(Record):
    """A store key, wrapped. `provider`: by whom; `root`: with which of its keys."""

    id: str
    provider: str
    root: str
    wrapped: str  # Base64


@dataclass(frozen=True, slots=True, kw_only=True)
class RingRecord(Record):
    """The keys of a store. `current` wraps new data keys from `since` on, `before` until then; `first` is the one that
    never changes."""

    current: str
    first: str
    keys: list[StoreKeyRecord] = field(default_factory=list)
    before: str = ""
    since: float = 0.0  # seconds of Unix time


RING: Kind[RingRecord] = Kind(RingRecord)


def ring_of(body: bytes) -> RingRecord:
    """The ring that a row has. Raises Unsealable, and FormatTooNew."""
    try:
        return RING.load(body)
    except (ValueError, TypeError, KeyError, AttributeError) as fault:
        raise Unsealable("the keys of the store are damaged") from fault


def new_ring(roots: Roots, random: Callable[[int], bytes] = os.urandom) -> tuple[RingRecord, StoreKeys]:
    """The ring of a new store. Raises what the provider does."""
    id, key, wrapped = ring.made(roots.wrap, random)
    return RingRecord(current=id, first=id, keys=[_by_root(id, wrapped)]), StoreKeys(id, id, {id: key}, random)


def opened(record: RingRecord, roots: Roots, known: Mapping[str, bytes] | None = None) -> dict[str, bytes]:
    """All keys of a ring. `known`: those that were opened before. Raises Unsealable, and what the provider does."""
    keys = dict(known or {})
    for kept in record.keys:
        if kept.provider != STORE and kept.id not in keys:
            keys[kept.id] = roots.unwrap(Wrapped(kept.provider, kept.root, _bytes(kept)))
    if record.current not in keys:
        raise Unsealable("the keys of the store are damaged")
    current = _alone(record.current, keys)
    for kept in record.keys:
        if kept.id not in keys:
            found = current.unwrap(kept.root, _bytes(kept))
            if found[:STORE_KEY_ID_BYTES].hex() != kept.id:
                raise Unsealable("the store key is another one's")
            keys[kept.id] = found[STORE_KEY_ID_BYTES:]
    return keys


def _bytes(kept: StoreKeyRecord) -> bytes:
    """Raises Unsealable."""
    try:
        return b64decode(kept.wrapped)
    except (ValueError, TypeError) as fault:
        raise Unsealable("the keys of the store are damaged") from fault


def unwrapped(record: RingRecord, roots: Roots, now: float, random: Callable[[int], bytes] = os.urandom) -> StoreKeys:
    """Raises Unsealable, and what the provider does."""
    return StoreKeys(_wrapping(record, now), record.first, opened(record, roots), random)


def rotated(record: RingRecord, roots: Roots, now: float, random: Callable[[int], bytes] = os.urandom) -> RingRecord:
    """The ring with a key more, if there may be one, wrapped by the current root key. Raises Unsealable, and what the
    provider does."""
    keys = opened(record, roots)
    if len(keys) < STORE_KEYS_MAX:
        id, key, wrapped = ring.made(roots.wrap, random)
        keys[id] = key
        record = replace(record, current=id, before=_wrapping(record, now), since=now + LEAD_SECONDS)
    else:
        wrapped = roots.wrap(keys[record.current])
    current = _alone(record.current, keys, random)
    older = [_by_store(id, key, current) for id, key in keys.items() if id != record.current]
    return replace(record, keys=[_by_root(record.current, wrapped), *older])


def newest_of(record: RingRecord, known: Mapping[str, bytes]) -> StoreKey:
    """The current key, with what a root key made of it. `known`: all keys of the ring. Raises Unsealable."""
    for kept in record.keys:
        if kept.id == record.current and kept.provider != STORE and kept.id in known:
            return StoreKey(kept.id, known[kept.id], Wrapped(kept.provider, kept.root, _bytes(kept)))
    raise Unsealable("the keys of the store are damaged")


def _wrapping(record: RingRecord, now: float) -> str:
    """Which key wraps data keys."""
    return record.current if now >= record.since or not record.before else record.before


def _alone(id: str, keys: Mapping[str, bytes], random: Callable[[int], bytes] = os.urandom) -> StoreKeys:
    return StoreKeys(id, id, {id: keys[id]}, random)


def _by_root(id: str, wrapped: Wrapped) -> StoreKeyRecord:
    text = b64encode(wrapped.wrapped).decode()
    return StoreKeyRecord(id=id, provider=wrapped.provider, root=wrapped.root, wrapped=text)


def _by_store(id: str, key: bytes, current: StoreKeys) -> StoreKeyRecord:
    name, wrapped = current.wrap(bytes.fromhex(id) + key)
    return StoreKeyRecord(id=id, provider=STORE, root=name, wrapped=b64encode(wrapped).decode())
