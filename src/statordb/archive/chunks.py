"""The content of the objects that backups and the archive lie in: rows as a scan found them, and entries of logs.

A chunk is a form's name and number, and then as one deflated stream (RFC 1950) its rows or entries, one behind the
other:

    row    length of the partition (2 bytes, big endian), of the sort bytes (2), of the body (4); partition, sort, body
    entry  sequence (8), length (4), the log's entry as it is (`store/entries.py`)

Entries of a segment come behind a head: its length (4), and what tells of the segment as JSON.
"""

import zlib
from collections.abc import Iterator
from hashlib import sha256
from struct import Struct, error
from typing import Any

import orjson

from statordb.store.terms import Change, Row

ROWS_FORM, ENTRIES_FORM, SEGMENT_FORM = b"SDBB\x01", b"SDBL\x01", b"SDBS\x01"
_LEVEL = 1  # packs 80 MB/s on one core, and small items to a third

_row = Struct(">HHI")
_entry = Struct(">QI")
_length = Struct(">I")


class DamagedChunk(Exception):
    """It is no chunk of a form that this release knows; args[0] says why."""


class Gathered:
    """Rows or entries of a chunk that grows. `size`: bytes so far."""

    __slots__ = ("_form", "_parts", "entries", "size")

    def __init__(self, form: bytes) -> None:
        self._form = form
        self._parts: list[bytes] = []
        self.entries = 0
        self.size = 0

    def add_row(self, row: Row) -> None:
        partition, sort, body = row
        self._add(_row.pack(len(partition), len(sort), len(body)), partition, sort, body)

    def add_entry(self, change: Change) -> None:
        self._add(_entry.pack(change.sequence, len(change.body)), change.body)

    def _add(self, *parts: bytes) -> None:
        self._parts += parts
        self.entries += 1
        self.size += sum(map(len, parts))

    def with_head(self, head: dict[str, Any]) -> "Gathered":
        """The same behind what tells of it."""
        text = orjson.dumps(head)
        headed = Gathered(self._form)
        headed._parts = [_length.pack(len(text)), text, *self._parts]
        headed.entries, headed.size = self.entries, self.size + _length.size + len(text)
        return headed

    def digest(self) -> bytes:
        """Of what it has, before it is packed: 32 bytes. It takes a while, and lets other threads run."""
        return sha256(b"".join(self._parts)).digest()

    def packed(self) -> bytes:
        """The chunk. It takes a while, and lets other threads run."""
        return self._form + zlib.compress(b"".join(self._parts), _LEVEL)


def unpacked(chunk: bytes, form: bytes, size: int) -> bytes:
    """What a chunk has, `size` bytes. It takes a while, and lets other threads run. Raises DamagedChunk."""
    content = unpacked_up_to(chunk, form, size)
    if len(content) != size:
        raise DamagedChunk(f"it has {len(content)} bytes, and not {size}")
    return content


def unpacked_up_to(chunk: bytes, form: bytes, size: int) -> bytes:
    """The same of at most so many bytes."""
    if not chunk.startswith(form):
        raise DamagedChunk("it is none of a form that this release knows")
    unpacking = zlib.decompressobj()
    try:
        content = unpacking.decompress(memoryview(chunk)[len(form) :], size + 1)
    except zlib.error as fault:
        raise DamagedChunk(str(fault)) from None
    if len(content) > size or not unpacking.eof:
        raise DamagedChunk(f"it has not just {size} bytes")
    return content


def head_of(content: bytes) -> tuple[dict[str, Any], bytes]:
    """What tells of a segment, and its entries. Raises DamagedChunk."""
    try:
        (length,) = _length.unpack_from(content)
        begin = _length.size + length
        head = orjson.loads(content[_length.size : begin])
    except (error, orjson.JSONDecodeError):
        raise DamagedChunk("it has no head") from None
    if not isinstance(head, dict):
        raise DamagedChunk("it has no head")
    return head, content[begin:]


def rows_of(content: bytes) -> Iterator[Row]:
    """The rows of a chunk's content. Raises DamagedChunk."""
    at, end, unpack, head = 0, len(content), _row.unpack_from, _row.size
    while at < end:
        try:
            partition, sort, body = unpack(content, at)
        except error:
            raise DamagedChunk("it ends within a row") from None
        begin = at + head
        middle = begin + partition
        last = middle + sort
        at = last + body
        if at > end:
            raise DamagedChunk("it ends within a row")
        yield Row(content[begin:middle], content[middle:last], content[last:at])


def entries_of(content: bytes) -> Iterator[Change]:
    """The entries of a chunk's content. Raises DamagedChunk."""
    at, end = 0, len(content)
    while at < end:
        try:
            sequence, length = _entry.unpack_from(content, at)
        except error:
            raise DamagedChunk("it ends within an entry") from None
        begin = at + _entry.size
        at = begin + length
        if at > end:
            raise DamagedChunk("it ends within an entry")
        yield Change(sequence, content[begin:at])
