"""Keys of sealed objects, which open on another machine with the root keys alone.

Each object has a data key of its own. A store key wraps that, and a root key the store key; both wrapped keys go with
the object. So no root key, which may be far away, is asked for an object that is written, nor twice for what one store
key has wrapped; and nothing of the store is needed to read.
"""

import os
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from statordb.crypto.ring import KEY_PREFIX, StoreKeys, Wrapped
from statordb.crypto.roots import Roots, RootUnusable
from statordb.crypto.sealer import KEY_BYTES, Unsealable
from statordb.model.daemon_thread import in_daemon_thread

KNOWN_MAX = 1024  # store keys that are kept unwrapped; a store has 256 at most


class KeyMissing(Exception):
    """A root key is not here; args[0] is the end of a sentence that begins with what it is needed for."""


class StoreKey(NamedTuple):
    """A store key, and what a root key made of it."""

    id: str
    key: bytes
    root: Wrapped


class Envelope(NamedTuple):
    """What goes with an object: its data key, wrapped by a store key, and that, wrapped by a root key."""

    store_key: str
    root: Wrapped
    data_key: bytes


class ObjectKeys:
    """`current`: the store key that wraps new data keys. Without it, it opens only. Use it in one event loop."""

    def __init__(
        self,
        roots: Roots,
        current: Callable[[], Awaitable[StoreKey]] | None = None,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._roots = roots
        self._current = current
        self._random = random
        self._known: OrderedDict[str, bytes] = OrderedDict()  # store keys by their ids

    async def new(self) -> tuple[bytes, Envelope]:
        """A data key for one object. Raises what `current` does."""
        assert self._current is not None
        store_key = await self._current()
        self._learn(store_key.id, store_key.key)
        data_key = self._random(KEY_BYTES)
        _, wrapped = self._keys(store_key.id, store_key.key).wrap(data_key)
        return data_key, Envelope(store_key.id, store_key.root, wrapped)

    async def opened(self, envelope: Envelope) -> bytes:
        """The data key. Raises KeyMissing, Unsealable where the envelope is damaged, and what the provider does."""
        id = envelope.store_key
        key = self._known.get(id)
        if key is None:
            key = await self._unwrapped(envelope.root)
            self._learn(id, key)
        return self._keys(id, key).unwrap(KEY_PREFIX + id, envelope.data_key)

    async def _unwrapped(self, root: Wrapped) -> bytes:
        try:
            self._roots.provider(root.provider)
        except RootUnusable:
            raise KeyMissing(f"needs the root key of {root.provider}, which the settings do not name") from None
        try:
            return await in_daemon_thread("root key", lambda: self._roots.unwrap(root))
        except Unsealable as fault:
            raise KeyMissing(
                f"needs the root key {root.root} of {root.provider}, which is not among those that are here ({fault})"
            ) from None

    def _learn(self, id: str, key: bytes) -> None:
        self._known[id] = key
        self._known.move_to_end(id)
        if len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)

    def _keys(self, id: str, key: bytes) -> StoreKeys:
        return StoreKeys(id, id, {id: key}, self._random)
