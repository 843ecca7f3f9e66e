"""Shard iterators: where in a shard a client reads on, as text that means something to us alone.

The form is AWS's: the stream's ARN, `|1|`, and Base64 of our own bytes: one of format, eight of the position, eight of
the time of issue (milliseconds since the epoch), the shard's id, eight of a digest of all. The digest finds damage. It
keeps no secret, and need not: an iterator opens nothing that GetShardIterator would refuse, as whoever brings it must
have access to its stream.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from struct import Struct
from struct import error as StructError
from typing import NamedTuple

from statordb.model import errors

FORMAT = 1
_SEPARATOR = "|1|"
_DIGEST_BYTES = 8

_head = Struct(">BQQ")


class ShardIterator(NamedTuple):
    """`after`: read what has higher sequence numbers; None: all that is not trimmed when it is read. `issued_at` in
    seconds since the epoch."""

    stream_arn: str
    shard: str
    after: int | None
    issued_at: float


def encode(iterator: ShardIterator) -> str:
    """The text that clients are given, below 600 characters."""
    arn, shard, after, issued_at = iterator
    content = _head.pack(FORMAT, 0 if after is None else after + 1, round(issued_at * 1000)) + shard.encode()
    return arn + _SEPARATOR + urlsafe_b64encode(content + _digest(arn, content)).decode()


def decode(text: str) -> ShardIterator:
    """The inverse; raises ValidationException for what `encode` never gave."""
    arn, _, coded = text.partition(_SEPARATOR)
    try:
        raw = urlsafe_b64decode(coded)
        content = raw[:-_DIGEST_BYTES]
        if raw[-_DIGEST_BYTES:] != _digest(arn, content) or urlsafe_b64encode(raw).decode() != coded:
            raise errors.validation("Invalid ShardIterator")
        form, position, issued = _head.unpack_from(content)
        shard = content[_head.size :].decode()
    except (ValueError, StructError):
        raise errors.validation("Invalid ShardIterator") from None
    if form != FORMAT:
        raise errors.validation("Invalid ShardIterator")
    return ShardIterator(arn, shard, position - 1 if position else None, issued / 1000)


def _digest(arn: str, content: bytes) -> bytes:
    return blake2b(arn.encode() + content, digest_size=_DIGEST_BYTES).digest()
