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
from struct import Struct

from statordb.crypto.sealer import KEY_BYTES, NONCE_BYTES, TAG_BYTES, Unsealable

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
_BODY = bytes((ITEM_BODY,))
_CLEAR = slice(CLEAR_BYTES)
_NONCE = slice(CLEAR_BYTES, ITEM_HEAD_BYTES)
_KEY_ID = slice(CLEAR_BYTES, CLEAR_BYTES + KEY_ID_BYTES)
_REST = slice(ITEM_HEAD_BYTES, None)
_pack_nonce = Struct(f">{KEY_ID_BYTES}sQ").pack

Crypt = Callable[[bytes, "bytes | memoryview", bytes], bytes]
"""(nonce, data, what is authenticated with it) -> sealed or opened."""


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

    def __init__(self, beside: "RowSealer | None" = None) -> None:
        """`beside`: another one. What either has learned, both open."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._cipher = AESGCM
        self._invalid = InvalidTag
        # By the id of the data key.
        self._openers: OrderedDict[bytes, Crypt] = OrderedDict() if beside is None else beside._openers
        self._numbers: tuple[bytes, Callable[[], int]] | None = None  # of the data key that was used last
        self._current: tuple[bytes, Callable[[], int], Crypt] | None = None  # in one, so that threads see one key's
        self.due = True
        """Whether a new data key is to be registered before more is sealed."""

    def learn(self, id: bytes, key: bytes) -> None:
        """Open what was sealed with a data key. Raises Unsealable."""
        self._learn(id, key)

    def _learn(self, id: bytes, key: bytes) -> Crypt:
        if len(key) != KEY_BYTES or len(id) != KEY_ID_BYTES:
            raise Unsealable("the data key is damaged")
        cipher = self._cipher(key)
        openers = self._openers
        openers[id] = cipher.decrypt
        if len(openers) > DATA_KEYS_MAX:
            if self._current is not None and self._current[0] in openers:
                openers.move_to_end(self._current[0])
            openers.popitem(last=False)
        return cipher.encrypt

    def use(self, id: bytes, key: bytes) -> None:
        """Seal with a data key from now on, that nobody else has sealed with, or will. One that was used before goes on
        with its numbers."""
        numbers = self._numbers
        if numbers is None or numbers[0] != id:
            numbers = self._numbers = id, count().__next__
        self._current = *numbers, self._learn(id, key)
        self.due = False

    def rest(self) -> None:
        """Seal nothing until a data key is given again."""
        self._current = None
        self.due = True

    @property
    def rests(self) -> bool:
        return self._current is None

    def forget(self, id: bytes) -> None:
        """Open no more of what was sealed with a data key."""
        self._openers.pop(id, None)

    def knows(self, id: bytes) -> bool:
        return id in self._openers

    def seal(self, body: bytes, bound: bytes, tail: bytes = b"") -> bytes:
        """A sealed body, which opens only with the same `bound`. `tail`: sealed behind the body. Raises UsedUp."""
        current = self._current
        if current is None:
            raise UsedUp
        id, take, encrypt = current
        number = take()
        if number >= SEALS_BEFORE_RENEWAL:
            self.due = True
            if number >= SEALS_PER_DATA_KEY_MAX:
                raise UsedUp
        nonce = _pack_nonce(id, number)
        if len(body) >= CLEAR_BYTES and body[0] == ITEM_BODY:
            clear = _ITEM + body[1:CLEAR_BYTES]
            return clear + nonce + encrypt(nonce, body[CLEAR_BYTES:] + tail, clear + bound)
        return b"".join((_OPAQUE, nonce, encrypt(nonce, body + tail, _OPAQUE + bound)))

    def open_item(self, kept: bytes, at: int, bound: bytes, tail: int) -> bytes | None:
        """What `open` gives of an item that begins at `at`, but for `tail` bytes at its end, in the least time: every
        GetItem comes here. None of whatever can't be opened so; `open` tells why."""
        start = at + CLEAR_BYTES
        end = at + ITEM_HEAD_BYTES
        nonce = kept[start:end]
        decrypt = self._openers.get(nonce[:KEY_ID_BYTES])
        if decrypt is None:
            return None
        rest = kept if len(kept) <= COPIED_BYTES_MAX else memoryview(kept)
        try:
            return decrypt(nonce, rest[end:], kept[at:start] + bound)[:-tail]
        except (self._invalid, ValueError):
            return None

    def open_items(self, rows: Sequence[bytes], bounds: Sequence[bytes], tail: int) -> list[bytes] | None:
        """The same of several, in one pass; None where there is anything that can't be opened so. `tail` may be 0."""
        if not rows:
            return []
        cut: Sequence[bytes | memoryview] = rows
        if max(map(len, rows)) > COPIED_BYTES_MAX:  # to cut a view takes longer than to copy less than that
            cut = [memoryview(sealed) for sealed in rows]
        end = -tail or None
        openers = self._openers
        try:
            decrypt = openers[rows[0][_KEY_ID]]
            try:  # mostly they are all of one data key
                return [
                    decrypt(sealed[_NONCE], rest[_REST], sealed[_CLEAR] + bound)[:end]
                    for sealed, rest, bound in zip(rows, cut, bounds)  # noqa: B905  # of one length
                ]
            except self._invalid:
                return [
                    openers[sealed[_KEY_ID]](sealed[_NONCE], rest[_REST], sealed[_CLEAR] + bound)[:end]
                    for sealed, rest, bound in zip(rows, cut, bounds)  # noqa: B905  # of one length
                ]
        except (self._invalid, ValueError, KeyError):
            return None

    def open(self, sealed: bytes, bound: bytes) -> bytes:
        """What was sealed, with its tail, but for what is readable of an item. Raises UnknownKey, Unsealable."""
        start = CLEAR_BYTES if sealed[:1] == _ITEM else 1
        end = start + NONCE_BYTES
        nonce = sealed[start:end]
        decrypt = self._openers.get(nonce[:KEY_ID_BYTES])
        if decrypt is None:
            raise _not_to_be_opened(sealed, nonce)
        try:
            return decrypt(nonce, memoryview(sealed)[end:], sealed[:start] + bound)
        except (self._invalid, ValueError):
            raise Unsealable("the row is damaged or belongs elsewhere") from None


def key_id_of(sealed: bytes) -> bytes:
    """The id of the data key that a body was sealed with, if it was."""
    start = CLEAR_BYTES if sealed[:1] == _ITEM else 1
    return sealed[start : start + KEY_ID_BYTES]


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
