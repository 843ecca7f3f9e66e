"""Compression of the objects of an import: unpacked piece by piece, whatever is in them.

None of them gives more in one go than EXCHANGE_SLICE_BYTES, so that a few bytes which stand for gigabytes cost time,
which others have between the pieces, and no memory. ZSTD's library is imported with the first object that needs it.
"""

import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from statordb.exchange.entries import Unreadable
from statordb.model.limits import (
    EXCHANGE_RATIO_MAX,
    EXCHANGE_SLICE_BYTES,
    EXCHANGE_WINDOW_BYTES_MAX,
    UNPACKED_RATIO_BYTES_MIN,
)

GZIP_BITS = 16 + zlib.MAX_WBITS
_FED_BYTES = 16 * 1024  # given to an unpacker in one go, which copies what it leaves of it

CUT_OFF = "The compressed data ends before its end"
TOO_MUCH = f"The data is more than {EXCHANGE_RATIO_MAX} times what it is compressed"


class Unpacker(Protocol):
    """Of one object."""

    def feed(self, packed: bytes) -> Iterator[bytes]:
        """The text behind the next bytes, in pieces, some of which may be empty; raises Unreadable."""

    def end(self) -> None:
        """Raises Unreadable where something is missing."""


class Unpacked:
    """What was not compressed."""

    def feed(self, packed: bytes) -> Iterator[bytes]:
        for start in range(0, len(packed), EXCHANGE_SLICE_BYTES):
            yield packed[start : start + EXCHANGE_SLICE_BYTES]

    def end(self) -> None:
        pass


class Members:
    """Members of gzip, or frames of ZSTD, one behind the other, as the tools that compress in parallel write them."""

    def __init__(self, new: Callable[[], Any], unpack: "Unpack", damaged: tuple[type[Exception], ...]) -> None:
        self._new = new
        self._unpack = unpack
        self._damaged = damaged
        self._member: Any = None
        self._begun = False
        self._packed = 0
        self._unpacked = 0

    def feed(self, packed: bytes) -> Iterator[bytes]:
        for start in range(0, len(packed), _FED_BYTES):
            rest = packed[start : start + _FED_BYTES]
            self._packed += len(rest)
            more = True
            while rest or more:
                if self._member is None:
                    rest = rest.lstrip(b"\0") if self._begun else rest  # what fills up blocks, behind a member
                    if not rest:
                        break
                    self._member = self._new()
                    self._begun = True
                try:
                    text, rest, more = self._unpack(self._member, rest)
                except self._damaged as fault:
                    raise Unreadable(f"The compressed data is damaged: {fault}") from None
                if self._member.eof:
                    self._member = None
                self._unpacked += len(text)
                if self._unpacked > max(UNPACKED_RATIO_BYTES_MIN, EXCHANGE_RATIO_MAX * self._packed):
                    raise Unreadable(TOO_MUCH)
                yield text

    def end(self) -> None:
        if self._member is not None:
            raise Unreadable(CUT_OFF)


Unpack = Callable[[Any, bytes], tuple[bytes, bytes, bool]]
"""(text, what of the packed bytes is left, whether there is more to be had without further ones)."""


def _unpack_gzip(member: Any, packed: bytes) -> tuple[bytes, bytes, bool]:
    text = member.decompress(packed, EXCHANGE_SLICE_BYTES)
    return text, member.unused_data if member.eof else member.unconsumed_tail, False


def _unpack_zstd(frame: Any, packed: bytes) -> tuple[bytes, bytes, bool]:
    text = frame.decompress(packed, EXCHANGE_SLICE_BYTES)  # keeps what it leaves of the packed bytes
    if frame.eof:
        return text, frame.unused_data, False
    return text, b"", not frame.needs_input


def _gzip() -> Members:
    return Members(lambda: zlib.decompressobj(GZIP_BITS), _unpack_gzip, (zlib.error,))


def _zstd() -> Members:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    window: dict[int, int] = {zstd.DecompressionParameter.window_log_max: EXCHANGE_WINDOW_BYTES_MAX.bit_length() - 1}
    return Members(lambda: zstd.ZstdDecompressor(options=window), _unpack_zstd, (zstd.ZstdError,))


UNPACKERS: dict[str, Callable[[], Unpacker]] = {"NONE": Unpacked, "GZIP": _gzip, "ZSTD": _zstd}
"""By InputCompressionType."""
