"""Envelope sealing: bytes under a data key (AES-256-GCM), the data key under a master key of a key provider.

A sealed value, format 1:

    format (1 byte) | length of key id (1) | key id | length of wrapped key (2, big-endian) | wrapped key
    | nonce (12) | ciphertext and tag

Everything before the nonce and the caller's context are authenticated with the ciphertext, so a value can't be moved to
another place or be given another key's name.
"""

import os
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FORMAT = 1
KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
SEALS_PER_DATA_KEY_MAX = 1 << 20  # far below the 2^32 random nonces that NIST SP 800-38D allows one key
OPENED_DATA_KEYS_MAX = 1024


class Unsealable(Exception):
    """A sealed value can't be opened: damaged, of another context, of an unknown key or of a newer format."""


class KeyProvider(Protocol):
    """Holds master keys, and wraps data keys with them. `key_id` tells which master key wrapped one."""

    def wrap(self, data_key: bytes) -> tuple[str, bytes]:
        """Wrap a data key with the current master key: its id (at most 255 bytes of ASCII) and the wrapped key."""
        ...

    def unwrap(self, key_id: str, wrapped: bytes) -> bytes:
        """The data key. Raises Unsealable."""
        ...


class _DataKey(NamedTuple):
    header: bytes
    cipher: "AESGCM"


class Sealer:
    """Seals and opens values. Data keys are reused for many values, and kept unwrapped while in use."""

    def __init__(self, keys: KeyProvider, random: Callable[[int], bytes] = os.urandom) -> None:
        self._keys = keys
        self._random = random
        self._current: _DataKey | None = None
        self._seals = 0
        self._opened: OrderedDict[bytes, AESGCM] = OrderedDict()

    def seal(self, plaintext: bytes, context: bytes) -> bytes:
        """Sealed bytes, which open only with the same context."""
        data_key = self._current
        if data_key is None or self._seals >= SEALS_PER_DATA_KEY_MAX:
            data_key = self._renew()
        self._seals += 1
        nonce = self._random(NONCE_BYTES)
        return data_key.header + nonce + data_key.cipher.encrypt(nonce, plaintext, data_key.header + context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """The plaintext. Raises Unsealable."""
        from cryptography.exceptions import InvalidTag

        key_id, wrapped, header = _split(sealed)
        cipher = self._opened.get(header)
        if cipher is None:
            cipher = self._remember(header, self._keys.unwrap(key_id, wrapped))
        else:
            self._opened.move_to_end(header)
        start = len(header)
        nonce = sealed[start : start + NONCE_BYTES]
        try:
            return cipher.decrypt(nonce, sealed[start + NONCE_BYTES :], header + context)
        except InvalidTag:
            raise Unsealable("the value is damaged or belongs elsewhere") from None

    def forget(self) -> None:
        """Seal what comes next under a new data key, wrapped by the then current master key."""
        self._current = None

    def _renew(self) -> _DataKey:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        plain = self._random(KEY_BYTES)
        key_id, wrapped = self._keys.wrap(plain)
        name = key_id.encode("ascii")
        header = bytes((FORMAT, len(name))) + name + len(wrapped).to_bytes(2, "big") + wrapped
        self._current = _DataKey(header, AESGCM(plain))
        self._seals = 0
        return self._current

    def _remember(self, header: bytes, plain: bytes) -> "AESGCM":
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if len(plain) != KEY_BYTES:
            raise Unsealable("the data key is damaged")
        cipher = self._opened[header] = AESGCM(plain)
        if len(self._opened) > OPENED_DATA_KEYS_MAX:
            self._opened.popitem(last=False)
        return cipher


def _split(sealed: bytes) -> tuple[str, bytes, bytes]:
    """Key id, wrapped key and the whole header of a sealed value. Raises Unsealable."""
    if not sealed or sealed[0] != FORMAT:
        raise Unsealable("the format is not known")
    name_end = 2 + (sealed[1] if len(sealed) > 1 else 0)
    wrapped_end = name_end + 2 + int.from_bytes(sealed[name_end : name_end + 2], "big")
    if len(sealed) < wrapped_end + NONCE_BYTES + TAG_BYTES:
        raise Unsealable("the value is cut short")
    try:
        key_id = sealed[2:name_end].decode("ascii")
    except UnicodeDecodeError:
        raise Unsealable("the key's name is damaged") from None
    return key_id, sealed[name_end + 2 : wrapped_end], sealed[:wrapped_end]
