"""The keys of a store: what the root key wraps, and what wraps data keys in turn.

A store key is 32 bytes, wrapped by a provider of root keys. There is a current one, which wraps new data keys; older
ones stay, for what they have wrapped. So root keys, which may be far away, are asked for when a store is opened and
when they are rotated, and never for a row. One store key, which never changes, also says where rows lie: partition keys
are kept as hashes that nobody without it can compute.
"""

import os
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import NamedTuple

from statordb.crypto.sealer import KEY_BYTES, NONCE_BYTES, Unsealable

STORE_KEY_ID_BYTES = 8
KEY_PREFIX = "store:"  # of the names by which a store's keys are told from root keys
_PLACES = b"places"
_APART = b"apart"


class Wrapped(NamedTuple):
    """A store key as it is kept. `provider`: the name of who wrapped it; `root`: the id of the key that it was with."""

    provider: str
    root: str
    wrapped: bytes


class StoreKeys:
    """The keys of one store, unwrapped: a KeyProvider. `first`: the id of the one that never changes."""

    def __init__(
        self, current: str, first: str, keys: Mapping[str, bytes], random: Callable[[int], bytes] = os.urandom
    ) -> None:
        """Raises Unsealable."""
        if any(len(key) != KEY_BYTES for key in keys.values()) or current not in keys or first not in keys:
            raise Unsealable("the keys of the store are damaged")
        self.current = current
        self.first = first
        self._keys = dict(keys)
        self._random = random

    @property
    def known(self) -> Mapping[str, bytes]:
        return self._keys

    def learn(self, id: str, key: bytes) -> None:
        """Open what was wrapped with a key. Raises Unsealable."""
        if len(key) != KEY_BYTES:
            raise Unsealable("the keys of the store are damaged")
        self._keys[id] = key

    def wrap(self, data_key: bytes) -> tuple[str, bytes]:
        """See KeyProvider."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = self._random(NONCE_BYTES)
        name = KEY_PREFIX + self.current
        return name, nonce + AESGCM(self._keys[self.current]).encrypt(nonce, data_key, name.encode("ascii"))

    def unwrap(self, key_id: str, wrapped: bytes) -> bytes:
        """See KeyProvider. Raises Unsealable."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key = self._keys.get(key_id.removeprefix(KEY_PREFIX)) if key_id.startswith(KEY_PREFIX) else None
        if key is None:
            raise Unsealable("the store key is not known")
        try:
            return AESGCM(key).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], key_id.encode("ascii"))
        except (InvalidTag, ValueError):
            raise Unsealable("the data key is damaged") from None

    def places(self) -> bytes:
        """The key of the hashes that partition keys are kept as."""
        return self._derived(_PLACES)

    def apart(self) -> bytes:
        """The key of the digests that tell index entries apart."""
        return self._derived(_APART)

    def _derived(self, purpose: bytes) -> bytes:
        return blake2b(key=self._keys[self.first], person=purpose, digest_size=KEY_BYTES).digest()


def made(wrap: Callable[[bytes], Wrapped], random: Callable[[int], bytes] = os.urandom) -> tuple[str, bytes, Wrapped]:
    """A new store key: its id, its bytes, and what is kept of it. Raises what `wrap` does."""
    id, key = random(STORE_KEY_ID_BYTES).hex(), random(KEY_BYTES)
    return id, key, wrap(key)
