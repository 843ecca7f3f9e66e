"""Sealing of stored rows: AES-256-GCM under data keys, each of which seals for one process at a time, by a counter.

A sealed body:

    11 | size (4) | id of the data key (4) | counter (8, big endian) | ciphertext | tag (16)      of an item
    10 | id of the data key (4) | counter (8) | ciphertext | tag (16)                              of anything else

The id and the counter together are the nonce: no id is given twice in a store, and no process takes a number twice, so
a plan that runs again seals with other numbers. What stands in front of the nonce, and what the caller says that the
body belongs to, is authenticated with it. An item's body begins with 01 and its size, which stay readable: both are
needed without the rest.
"""

import os
from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import count
from typing import TYPE_CHECKING

from statordb.crypto.sealer import KEY_BYTES, NONCE_BYTES, TAG_BYTES, Unsealable

if TYPE_CHECKING:
    pass

OPAQUE, ITEM = 0x10, 0x11
ITEM_BODY = 0x01  # the first byte of an item's body
CLEAR_BYTES = 5  # of an item's body: that byte, and the size
KEY_ID_BYTES = 4
ITEM_HEAD_BYTES = CLEAR_BYTES + NONCE_BYTES
COPIED_BYTES_MAX = 4096
OVERHEAD_BYTES = 1 + NONCE_BYTES + TAG_BYTES
SEALS_PER_DATA_KEY_MAX = 1 << 32  # with counters for nonces; NIST SP 800-38D, section 8.3, allows so many at random
SEALS_BEFORE_RENEWAL = 1 << 31  # from then on a new data key is to be made
DATA_KEYS_MAX = 4096  # that are kept at hand, each about 0.5 KB

_ITEM = bytes((ITEM,))
_OPAQUE = bytes((OPAQUE,))


class UnknownKey(Exception):
    """A row was sealed with a data key that is not at hand. `id`: which one it is."""

    def __init__(self, id: bytes) -> None:
        super().__init__(id.hex())
        self.id = id


class UsedUp(Exception):
    """The current data key has sealed as much as one may."""


class RowSealer:
    """Seals bodies with the current data key, and opens those of all that it was given.

    Threads may seal beside each other: taking a number is one step of the interpreter.
    """

    def __init__(self) -> None:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._cipher = AESGCM
        self._invalid = InvalidTag
        self._ciphers: OrderedDict[bytes, AESGCM] = OrderedDict()
        self._id = b""
        self._encrypt: Callable[[bytes, bytes, bytes], bytes] | None = None
        self._next = count().__next__
        self.seals = 0

    @property
    def due(self) -> bool:
        """Whether a new data key is to be registered before more is sealed."""
        return self._encrypt is None or self.seals >= SEALS_BEFORE_RENEWAL

    def learn(self, id: bytes, key: bytes) -> None:
        """Open what was sealed with a data key. Raises Unsealable."""
        if len(key) != KEY_BYTES or len(id) != KEY_ID_BYTES:
            raise Unsealable("the data key is damaged")
        self._ciphers[id] = self._cipher(key)
        if len(self._ciphers) > DATA_KEYS_MAX:
            if self._id in self._ciphers:
                self._ciphers.move_to_end(self._id)
            self._ciphers.popitem(last=False)

    def use(self, id: bytes, key: bytes) -> None:
        """Seal with a data key from now on, that nobody has sealed with, or will."""
        self.learn(id, key)
        self._id, self.seals, self._next = id, 0, count().__next__
        self._encrypt = self._ciphers[id].encrypt

    def knows(self, id: bytes) -> bool:
        return id in self._ciphers

    def seal(self, body: bytes, bound: bytes, tail: bytes = b"") -> bytes:
        """A sealed body, which opens only with the same `bound`. `tail`: sealed behind the body. Raises UsedUp."""
        if self._encrypt is None:
            raise UsedUp
        number = self._next()
        self.seals = number
        if number >= SEALS_PER_DATA_KEY_MAX:
            raise UsedUp
        nonce = self._id + number.to_bytes(8, "big")
        if len(body) >= CLEAR_BYTES and body[0] == ITEM_BODY:
            clear, body = _ITEM + body[1:CLEAR_BYTES], body[CLEAR_BYTES:]
        else:
            clear = _OPAQUE
        return b"".join((clear, nonce, self._encrypt(nonce, body + tail, clear + bound)))

    def open_items(self, rows: Sequence[bytes], bounds: Sequence[bytes], tail: int) -> list[bytes] | None:
        """What `open` gives of several items, but for `tail` bytes at their ends; None where not all are items. Raises
        as that."""
        found: list[bytes] = []
        take = found.append
        latest, decrypt = b"", None
        for sealed, bound in zip(rows, bounds):  # noqa: B905  # of one length
            nonce = sealed[CLEAR_BYTES:ITEM_HEAD_BYTES]
            if sealed[:1] != _ITEM:
                return None
            if nonce[:KEY_ID_BYTES] != latest or decrypt is None:
                latest = nonce[:KEY_ID_BYTES]
                cipher = self._ciphers.get(latest)
                if cipher is None:
                    raise _not_to_be_opened(sealed, nonce)
                decrypt = cipher.decrypt
            rest: bytes | memoryview = sealed
            if len(sealed) > COPIED_BYTES_MAX:  # a view costs more than to copy a little
                rest = memoryview(sealed)
            try:
                take(decrypt(nonce, rest[ITEM_HEAD_BYTES:], sealed[:CLEAR_BYTES] + bound)[:-tail])
            except (self._invalid, ValueError):
                raise Unsealable("the row is damaged or belongs elsewhere") from None
        return found

    def open_item(self, sealed: bytes, bound: bytes, tail: int) -> bytes:
        """The same of one, in less time: every GetItem comes here."""
        nonce = sealed[CLEAR_BYTES:ITEM_HEAD_BYTES]
        cipher = self._ciphers.get(nonce[:KEY_ID_BYTES])
        if cipher is None:
            raise _not_to_be_opened(sealed, nonce)
        rest = sealed if len(sealed) <= COPIED_BYTES_MAX else memoryview(sealed)
        try:
            return cipher.decrypt(nonce, rest[ITEM_HEAD_BYTES:], sealed[:CLEAR_BYTES] + bound)[:-tail]
        except (self._invalid, ValueError):
            raise Unsealable("the row is damaged or belongs elsewhere") from None

    def open(self, sealed: bytes, bound: bytes) -> bytes:
        """What was sealed, with its tail, but for what is readable of an item. Raises UnknownKey, Unsealable."""
        start = CLEAR_BYTES if sealed[:1] == _ITEM else 1
        end = start + NONCE_BYTES
        nonce = sealed[start:end]
        cipher = self._ciphers.get(nonce[:KEY_ID_BYTES])
        if cipher is None:
            raise _not_to_be_opened(sealed, nonce)
        try:
            return cipher.decrypt(nonce, memoryview(sealed)[end:], sealed[:start] + bound)
        except (self._invalid, ValueError):
            raise Unsealable("the row is damaged or belongs elsewhere") from None


def clear_of(sealed: bytes, head: int = CLEAR_BYTES) -> bytes | None:
    """The first bytes of an item's body, at most CLEAR_BYTES, without opening it; None of what is no item."""
    return b"\x01" + sealed[1:head] if sealed[:1] == _ITEM else None


def new_key(random: Callable[[int], bytes] = os.urandom) -> tuple[bytes, bytes]:
    """Id and bytes of a data key. Whoever registers it sees whether the id is free."""
    return random(KEY_ID_BYTES), random(KEY_BYTES)


def _not_to_be_opened(sealed: bytes, nonce: bytes) -> Exception:
    if sealed[:1] not in (_ITEM, _OPAQUE):
        return Unsealable("the row is not sealed, or in a form that is not known")
    if len(nonce) < NONCE_BYTES:
        return Unsealable("the row is cut short")
    return UnknownKey(nonce[:KEY_ID_BYTES])
