"""Content codings: request bodies unpacked within a bound, answers packed for clients that ask.

What DynamoDB takes and gives, by its observed behaviour: gzip (also of several members) and deflate in requests, an
InternalServerError for anything else or anything broken; answers above 4 KB packed if Accept-Encoding allows it.
"""

import re
import zlib
from collections.abc import Iterator
from functools import lru_cache

from statordb.model import errors
from statordb.model.limits import KIB, MIB
from statordb.model.limits import UNPACKED_MEMBERS_MAX as MEMBERS_MAX
from statordb.model.limits import UNPACKED_RATIO_BYTES_MIN as RATIO_BYTES_MIN
from statordb.model.limits import UNPACKED_RATIO_MAX as RATIO_MAX

COMPRESS_BYTES_MIN = 4 * KIB
COMPRESS_BYTES_MAX = 2 * MIB  # above, packing would take a worker's time for longer than sending does
COMPRESS_LEVEL = 1
COMPRESSED_BYTES = 32 * KIB  # of an answer, that are packed in one go

FED_BYTES = 16 * KIB  # given to zlib at a time: what it leaves of it is copied
PIECE_BYTES = 256 * KIB  # taken from zlib at a time

_WINDOW_BITS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
_QUALITY = re.compile(r"-?\d*\.?\d*", re.ASCII)


def decode_body(coding: bytes, body: bytes, bytes_max: int) -> bytes:
    """The body behind a Content-Encoding; raises the ClientError that the client gets."""
    unpacked = _unpack(coding, body, bytes_max)
    if unpacked is None:
        raise errors.request_too_large()
    return unpacked


def unpack(coding: bytes, body: bytes, bytes_max: int) -> bytes | None:
    """The same of a body of at most `bytes_max`, packed and unpacked; None for a larger one, at little cost."""
    return _unpack(coding, body, bytes_max, bytes_max)


def _unpack(coding: bytes, body: bytes, bytes_max: int, packed_bytes_max: int | None = None) -> bytes | None:
    name = coding.decode("latin-1").strip().lower()
    if name in ("", "identity"):
        return body
    if name not in _WINDOW_BITS:
        raise errors.internal()
    if packed_bytes_max is not None and len(body) > packed_bytes_max:
        return None
    packed = memoryview(body)
    unpacked: list[bytes] = []
    at = size = 0  # what has been read of the packed, and made of it
    for _ in range(MEMBERS_MAX if name == "gzip" else 1):  # only gzip defines a sequence of members
        unpacker = zlib.decompressobj(_WINDOW_BITS[name])
        while not unpacker.eof:
            fed = packed[at : at + FED_BYTES]
            try:
                piece = unpacker.decompress(fed, min(bytes_max + 1 - size, PIECE_BYTES))
            except zlib.error:
                raise errors.internal() from None
            if not fed and not piece:
                raise errors.internal()  # it ends within a member
            at += len(fed) - len(unpacker.unconsumed_tail) - len(unpacker.unused_data)
            size += len(piece)
            if size > bytes_max:
                return None
            if size > RATIO_BYTES_MIN and size > at * RATIO_MAX:
                raise errors.request_too_large()
            unpacked.append(piece)
        if at == len(packed):
            return b"".join(unpacked)
    if name == "deflate":
        raise errors.internal()
    raise errors.request_too_large()


def encode_body(coding: str, body: bytes) -> bytes:
    """The body packed as `coding`, "gzip" or "deflate"."""
    packer = zlib.compressobj(COMPRESS_LEVEL, zlib.DEFLATED, _WINDOW_BITS[coding])
    return packer.compress(body) + packer.flush()


def encode_in_slices(coding: str, body: bytes) -> Iterator[bytes]:
    """The same in pieces, each of them the work of a few milliseconds at most."""
    packer = zlib.compressobj(COMPRESS_LEVEL, zlib.DEFLATED, _WINDOW_BITS[coding])
    view = memoryview(body)
    for at in range(0, len(body), COMPRESSED_BYTES):
        yield packer.compress(view[at : at + COMPRESSED_BYTES])
    yield packer.flush()


@lru_cache(maxsize=256)
def choose_coding(accept: bytes) -> str | None:
    """The coding for an answer by the request's Accept-Encoding, None to leave it alone.

    The highest quality wins, then what is named before what "*" covers, then the order of naming, then gzip. An
    unreadable quality counts as 1, as does one above; identity is never preferred to an allowed coding.
    """
    best: tuple[float, bool] = (0.0, False)
    chosen: str | None = None
    named: set[str] = set()
    anything = 0.0
    for entry in accept.decode("latin-1").lower().split(","):
        name, _, parameters = entry.partition(";")
        name = name.strip()
        quality = _quality(parameters)
        if name == "*":
            anything = max(anything, quality)
        elif name in _WINDOW_BITS:
            named.add(name)
            if (quality, True) > best and quality > 0:
                best, chosen = (quality, True), name
    for name in _WINDOW_BITS:
        if name not in named and (anything, False) > best and anything > 0:
            best, chosen = (anything, False), name
    return chosen


def _quality(parameters: str) -> float:
    """The first "q=" in an entry's parameters counts, wherever in a parameter it stands."""
    _, found, rest = parameters.partition("q=")
    text = rest.partition(";")[0].strip()
    if not found or not _QUALITY.fullmatch(text) or not any(character.isdigit() for character in text):
        return 1.0
    return min(float(text), 1.0)
