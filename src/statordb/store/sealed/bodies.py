"""Bodies of rows as they are kept: sealed for their names, with the partition's bytes behind them.

A row's name is its space, the hash of its partition (`places.py`) and its sort bytes, all in one. Nobody knows the
partition by its hash, so a row carries it for those who find it by scanning.
"""

from struct import Struct

from statordb.crypto.rows import CLEAR_BYTES, ITEM, RowSealer, clear_of
from statordb.crypto.sealer import Unsealable

LENGTH_BYTES = 2
SPACE_BYTES = 8
pack_space = Struct(">Q").pack
pack_length = Struct(">H").pack
ITEM_FORM = bytes((ITEM,))
BODY_FORM = b"\x01"
_LOG = b"log"


def seal(sealer: RowSealer, name: bytes, body: bytes, partition: bytes) -> bytes:
    """Raises UsedUp."""
    return sealer.seal(body, name, partition + pack_length(len(partition)))


def opened(sealer: RowSealer, name: bytes, sealed: bytes, skip: int) -> tuple[bytes, bytes]:
    """Body but for its first bytes, and the partition. Raises UnknownKey, Unsealable."""
    text = sealer.open(sealed, name)
    end = body_end(text)
    return _cut(sealed, text, end, skip), text[end:-LENGTH_BYTES]


def opened_of(sealer: RowSealer, name: bytes, kept: bytes, at: int, partition: bytes, skip: int) -> bytes:
    """The body of a row whose partition is known, and which begins at `at`. `name` has that one's hash, so that the row
    is that partition's. Raises UnknownKey, Unsealable."""
    tail = LENGTH_BYTES + len(partition)
    text = sealer.open_item(kept, at, name, tail)
    if text is None:
        sealed = kept[at:]
        text = sealer.open(sealed, name)
        return _cut(sealed, text, len(text) - tail, skip)
    return text if skip == CLEAR_BYTES else (BODY_FORM + kept[at + 1 : at + CLEAR_BYTES] + text)[skip:]


def body_end(text: bytes) -> int:
    """Where in what was sealed the partition begins. Raises Unsealable."""
    name_end = len(text) - LENGTH_BYTES
    end = name_end - int.from_bytes(text[name_end:], "big")
    if end < 0:
        raise Unsealable("the row is damaged")
    return end


def _cut(sealed: bytes, text: bytes, end: int, skip: int) -> bytes:
    if sealed[0] != ITEM:
        return text[skip:end]
    if skip == CLEAR_BYTES:
        return text[:end]
    return (BODY_FORM + sealed[1:CLEAR_BYTES] + text[:end])[skip:]


def is_cut(sealed: bytes) -> bool:
    """Whether a row was read without what is sealed of it."""
    return len(sealed) <= CLEAR_BYTES


def head_of(sealed: bytes) -> bytes | None:
    """The first CLEAR_BYTES bytes of an item's body; None of what has to be opened for that."""
    return clear_of(sealed)


def seal_change(sealer: RowSealer, stream: int, shard: bytes, body: bytes) -> bytes:
    """Raises UsedUp."""
    return sealer.seal(body, _log(stream, shard))


def opened_change(sealer: RowSealer, stream: int, shard: bytes, sealed: bytes) -> bytes:
    """Raises UnknownKey, Unsealable."""
    text = sealer.open(sealed, _log(stream, shard))
    return _cut(sealed, text, len(text), 0)


def _log(stream: int, shard: bytes) -> bytes:
    return b"".join((_LOG, pack_space(stream), shard))
