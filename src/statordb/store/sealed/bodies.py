"""Bodies of rows as they are kept: sealed for their space and place, with the partition's bytes behind them.

A place is a hash, so a row carries its partition for those who find it by scanning.
"""

from struct import Struct

from statordb.crypto.rows import CLEAR_BYTES, ITEM, RowSealer, clear_of
from statordb.crypto.sealer import Unsealable

LENGTH_BYTES = 2
pack_space = Struct(">Q").pack
_pack_length = Struct(">H").pack
ITEM_FORM = bytes((ITEM,))
_LOG = b"log"


def seal(sealer: RowSealer, space: int, place: bytes, sort: bytes, body: bytes, partition: bytes) -> bytes:
    """Raises UsedUp."""
    return sealer.seal(body, pack_space(space) + place + sort, partition + _pack_length(len(partition)))


def opened(sealer: RowSealer, bound: bytes, sealed: bytes, skip: int) -> tuple[bytes, bytes]:
    """Body but for its first bytes, and the partition. `bound`: space, place and sort bytes. Raises UnknownKey,
    Unsealable."""
    text = sealer.open(sealed, bound)
    name_end = len(text) - LENGTH_BYTES
    end = name_end - int.from_bytes(text[name_end:], "big")
    if end < 0:
        raise Unsealable("the row is damaged")
    return _cut(sealed, text, end, skip), text[end:name_end]


def opened_of(sealer: RowSealer, bound: bytes, sealed: bytes, partition: bytes, skip: int) -> bytes:
    """The same of a row whose partition is known. `bound` has its hash, so that the row is that partition's."""
    if sealed[:1] != ITEM_FORM:
        text = sealer.open(sealed, bound)
        return text[skip : len(text) - LENGTH_BYTES - len(partition)]
    text = sealer.open_item(sealed, bound, LENGTH_BYTES + len(partition))
    return text if skip == CLEAR_BYTES else (b"\x01" + sealed[1:CLEAR_BYTES] + text)[skip:]


def _cut(sealed: bytes, text: bytes, end: int, skip: int) -> bytes:
    if sealed[0] != ITEM:
        return text[skip:end]
    if skip == CLEAR_BYTES:
        return text[:end]
    return (b"\x01" + sealed[1:CLEAR_BYTES] + text[:end])[skip:]


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
