"""Groups: how the entries of a change log lie in the environment.

What one transaction appends to a log is kept together, as far as it fits one page: one row instead of many, and pages
that are full. (Not more: a value of several pages needs neighbours among the free ones, which LMDB seeks long.) A
group's key ends with the sequence of its last entry, so that the first key at or behind a sequence holds what follows
that. Its value is its entries, oldest first, each:

    counter (4 bytes, big endian: the sequence without the transaction's id), length (4), body
"""

from collections.abc import Iterator
from struct import Struct

from statordb.engine.lmdb.keys import SEQUENCE_BYTES, unpack_id

TICK_BITS = 20  # of a version or a sequence number, below the transaction's id
TICK_MASK = (1 << TICK_BITS) - 1
GROUP_BYTES_MAX = 4096 - 16  # a page without its header; a larger entry is a group of its own

_pack_entry = Struct(">II").pack
_unpack_entry = Struct(">II").unpack_from
_ENTRY_BYTES = 8

Entry = tuple[int, bytes]
"""Sequence and body."""


class Group:
    """A group that grows. It has an entry at least when it is written."""

    __slots__ = ("last", "parts", "size")

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = 0
        self.last = 0

    def takes(self, body: bytes) -> bool:
        """Whether there is room for an entry more."""
        return self.size + _ENTRY_BYTES + len(body) <= GROUP_BYTES_MAX

    def add(self, sequence: int, body: bytes) -> None:
        length = len(body)
        self.parts += (_pack_entry(sequence & TICK_MASK, length), body)
        self.size += _ENTRY_BYTES + length
        self.last = sequence

    @property
    def value(self) -> bytes:
        return b"".join(self.parts)


def entries(key: bytes, value: bytes) -> Iterator[Entry]:
    """Sequence and body of each entry of a group."""
    transaction = unpack_id(key[-SEQUENCE_BYTES:]) & ~TICK_MASK
    at, end = 0, len(value)
    while at < end:
        tick, length = _unpack_entry(value, at)
        at += _ENTRY_BYTES + length
        yield transaction | tick, value[at - length : at]


def is_group(key: bytes, value: bytes) -> bool:
    """Whether a log's row is a group, and not one entry's body as it was before there were groups."""
    at = tick = 0
    while at + _ENTRY_BYTES <= len(value):
        tick, length = _unpack_entry(value, at)
        at += _ENTRY_BYTES + length
    return at == len(value) > 0 and tick == unpack_id(key[-SEQUENCE_BYTES:]) & TICK_MASK


def cut(key: bytes, value: bytes, upto: int, entries_max: int) -> tuple[int, int, bytes]:
    """Leave out the first entries of a group, up to a sequence: (how many are, how many would be but for the maximum,
    what is left of the value)."""
    due = cut_at = 0
    at, end = 0, len(value)
    transaction = unpack_id(key[-SEQUENCE_BYTES:]) & ~TICK_MASK
    while at < end:
        tick, length = _unpack_entry(value, at)
        if transaction | tick > upto:
            break
        at += _ENTRY_BYTES + length
        due += 1
        if due <= entries_max:
            cut_at = at
    return min(due, entries_max), due, value[cut_at:]
