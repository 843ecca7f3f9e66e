"""What goes between a keeper and the process that reads for it: frames of a length (4 bytes, big endian) and that many
bytes. Nothing of it is kept, and both are of one release.

    to it     ORDER  an Order: what is to be read, and into which table; the first
              OBJECT an object begins;  DATA bytes of it;  END it is over
    from it   a Found
"""

import marshal
from collections.abc import Sequence
from struct import Struct
from typing import NamedTuple

ORDER, OBJECT, DATA, END = b"r", b"o", b"d", b"e"
LENGTH = Struct(">I")

Derived = tuple[int, bytes, bytes, bytes]
"""The entry of an item in an index: space, partition, sort bytes with the digest of the key undisguised, body."""

Item = tuple[bytes, bytes, bytes, Sequence[Derived], int, bytes]
"""Partition, sort, body, entries, which one of its object it is, and its condition as JSON (b"" for none)."""

Wrong = tuple[int, int, str, bytes]
"""What can't be had: which one of its object, the line where it begins, why, and what of it could be read as JSON."""


class Order(NamedTuple):
    """`table`: its record, as the store keeps it. `conditions`: items may have some; else indexes' entries are told."""

    table: bytes
    input_format: str
    compression: str
    delimiter: str
    header: tuple[str, ...] | None
    conditions: bool


class Found(NamedTuple):
    """What the next bytes of an object hold. `number`: which object, from 0; `items`: how many more were read of it,
    wrong ones among them; `taken`, `unpacked`: bytes more of it, as they are and unpacked; `over`: nothing more comes
    of it, `stopped`: since something of it could not be read."""

    number: int
    rows: Sequence[Item]
    faults: Sequence[Wrong]
    items: int
    taken: int
    unpacked: int
    over: bool
    stopped: bool


def framed(kind: bytes, content: bytes = b"") -> bytes:
    return LENGTH.pack(1 + len(content)) + kind + content


def order_frame(order: Order) -> bytes:
    return framed(ORDER, marshal.dumps(tuple(order)))


def order_of(content: bytes) -> Order:
    return Order(*marshal.loads(content))


def found_frame(found: Found) -> bytes:
    content = marshal.dumps((*found,))  # type: ignore[arg-type]  # all of it is such values
    return LENGTH.pack(len(content)) + content


def found_of(content: bytes) -> Found:
    return Found(*marshal.loads(content))
