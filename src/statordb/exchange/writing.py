"""Data files of an export: items and records in, packed bytes out.

writer = Writer("DYNAMODB_JSON")
upload(writer.items(texts)) ...
upload(writer.end())
"""

import zlib
from base64 import b64encode
from collections.abc import Sequence
from hashlib import md5

from statordb.exchange import ion_lines, json_lines
from statordb.exchange.packing import GZIP_BITS

GZIP_LEVEL = 6


class Writer:
    """Of one file. `export_format` is that of ExportTableToPointInTime. `part_bytes`: of the parts in which the file is
    uploaded, whose ETag has their number; None: it is uploaded whole."""

    def __init__(self, export_format: str, part_bytes: int | None = None, level: int = GZIP_LEVEL) -> None:
        self._ion = export_format == "ION"
        self._packer = zlib.compressobj(level, zlib.DEFLATED, GZIP_BITS)
        self._md5 = md5(usedforsecurity=False)
        self._part_bytes = part_bytes
        self._part = md5(usedforsecurity=False)
        self._parts: list[bytes] = []
        self.item_count = 0
        self.size = 0
        """Packed bytes so far."""

    def items(self, texts: Sequence[bytes]) -> bytes:
        """Lines of a full export, of items as their JSON, as the store keeps it. The packed bytes that came of it, or
        of what was written before; mostly none."""
        self.item_count += len(texts)
        if self._ion:
            return self._packed("".join(map(ion_lines.item_line, texts)).encode())
        return self._packed(json_lines.item_lines(texts))

    def record(self, micros: int, keys: bytes, new: bytes | None, old: bytes | None) -> bytes:
        """A line of an incremental export: when the item was last written, in microseconds since 1970, its key, and
        its images at the end and the begin of the window, all as JSON."""
        self.item_count += 1
        if self._ion:
            return self._packed(ion_lines.record_line(micros, keys, new, old).encode())
        return self._packed(json_lines.record_line(micros, keys, new, old))

    def end(self) -> bytes:
        """The last bytes."""
        return self._counted(self._packer.flush())

    @property
    def md5_checksum(self) -> str:
        """Of the whole file, once it has ended, as manifest-files.json has it."""
        return b64encode(self._md5.digest()).decode()

    @property
    def etag(self) -> str:
        """What S3 calls the file, once it has ended: its MD5, or that of its parts' MD5s and their number."""
        if self._part_bytes is None:
            return self._md5.hexdigest()
        parts = [*self._parts, self._part.digest()] if self.size % self._part_bytes or not self._parts else self._parts
        return f"{md5(b''.join(parts), usedforsecurity=False).hexdigest()}-{len(parts)}"

    def _packed(self, text: bytes) -> bytes:
        return self._counted(self._packer.compress(text))

    def _counted(self, packed: bytes) -> bytes:
        if not packed:
            return packed
        self._md5.update(packed)
        if self._part_bytes is None:
            self.size += len(packed)
            return packed
        rest = memoryview(packed)
        while rest:
            piece = rest[: self._part_bytes - self.size % self._part_bytes]
            self._part.update(piece)
            self.size += len(piece)
            if self.size % self._part_bytes == 0:
                self._parts.append(self._part.digest())
                self._part = md5(usedforsecurity=False)
            rest = rest[len(piece) :]
        return packed
