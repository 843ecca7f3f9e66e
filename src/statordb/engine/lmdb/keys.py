"""How rows are laid out in the one keyspace of an environment.

A row of the contract:

    key    space (8 bytes, big endian) + hash of the partition (16) + sort
    value  version (8, big endian) + length of the partition (2, big endian) + partition + body

The hash spreads partitions evenly, which makes segments of a scan equal, and keeps keys short. The value repeats the
partition, so that two partitions of one hash are seen (`HashCollision`) and never taken for each other.

The engine's own rows have the same first 8 bytes, from `Own`, and go on as their function below says.
"""

from collections.abc import Callable
from enum import IntEnum
from hashlib import blake2b
from struct import Struct

KEY_BYTES_MAX = 1978  # LMDB 1.0 with pages of 4 KiB
SPACE_BYTES = 8
HASH_BYTES = 16
PREFIX_BYTES = SPACE_BYTES + HASH_BYTES
SORT_BYTES_MAX = KEY_BYTES_MAX - PREFIX_BYTES
PARTITION_BYTES_MAX = 0xFFFF  # its length is kept in two bytes
SHARD_BYTES_MAX = 1024
SEQUENCE_BYTES = 8  # at the end of a log entry's key
HEAD_BYTES = 10  # of a value: version and length of the partition
NAME_AT = 8  # in a value: where the length of the partition begins, and behind it the partition
ROW_OVERHEAD_BYTES = PREFIX_BYTES + HEAD_BYTES
SPACE_GIVEN_MIN = 1000  # the first id that `create_space` gives

HASH_RANGE_BITS = 64  # segments of a scan are cut in the first 8 bytes of the hash


class Own(IntEnum):
    """Spaces of the engine's own rows. Written in every store: never change or reuse a number."""

    META = 901  # the format's number, the counter of spaces, the last announcement
    TALLY = 902  # running totals of a space
    DROPPED = 903  # intentions: spaces whose rows are still to be deleted
    LOG = 904  # change logs
    WITHIN = 905  # spaces that are dropped with another
    LIVING = 906  # spaces that were made and not dropped, but those within others


OWN_SPACES = frozenset(int(own) for own in Own)

Digest = Callable[[bytes], bytes]
"""Partition to its hash, `HASH_BYTES` long."""

pack_id = Struct(">Q").pack
pack_length = Struct(">H").pack
unpack_head = Struct(">QH").unpack_from
unpack_length = Struct(">8xH").unpack_from  # of the partition alone, which takes half the time
pack_tally = Struct(">qq").pack
unpack_tally = Struct(">qq").unpack


SPREAD: Digest = bytes
"""For partitions that are hashes of HASH_BYTES already: they spread as they are."""


class HashCollision(Exception):
    """Two partitions have one hash; args: (space, the partition asked for, the partition found)."""


_empty = blake2b(digest_size=HASH_BYTES)  # copied: to make one takes longer than to hash a key


def digest(partition: bytes) -> bytes:
    hashed = _empty.copy()
    hashed.update(partition)
    return hashed.digest()


def unpack_id(data: bytes | memoryview) -> int:
    return int.from_bytes(data, "big")


def collision(space: int, partition: bytes, value: bytes) -> HashCollision:
    """The error for a `value` that was found where a row of `partition` was looked for."""
    _, length = unpack_head(value)
    return HashCollision(space, partition, value[HEAD_BYTES : HEAD_BYTES + length])


def after_prefix(prefix: bytes) -> bytes:
    """The first key behind all that begin with `prefix` (which is not all 0xFF: spaces are far below 2**64)."""
    return (int.from_bytes(prefix, "big") + 1).to_bytes(len(prefix), "big")


def segment_of(hashed: bytes, total: int) -> int:
    """The segment, of `total`, whose edges hold a partition's hash."""
    position = int.from_bytes(hashed[: HASH_RANGE_BITS // 8], "big")
    return ((position + 1) * total - 1) >> HASH_RANGE_BITS


def segment_edges(space: int, segment: int, total: int) -> tuple[bytes, bytes]:
    """First key of a segment of a scan, and the first behind it: neighbours share an edge, so no row is in both."""
    prefix = pack_id(space)
    lower = (segment << HASH_RANGE_BITS) // total
    upper = ((segment + 1) << HASH_RANGE_BITS) // total
    end = after_prefix(prefix) if segment + 1 == total else prefix + pack_id(upper)
    return prefix + pack_id(lower), end


def meta_key(name: bytes) -> bytes:
    return pack_id(Own.META) + name


FORMAT_KEY = meta_key(b"format")
SPACES_KEY = meta_key(b"spaces")  # the id that is given next
REWRITING_KEY = meta_key(b"rewriting")  # is there while rows and entries of logs have still to get another form
ANNOUNCED_KEY = meta_key(b"announced")  # number of the last announcement


def tally_key(space: int) -> bytes:
    return pack_id(Own.TALLY) + pack_id(space)


def dropped_key(space: int) -> bytes:
    return pack_id(Own.DROPPED) + pack_id(space)


def living_key(space: int) -> bytes:
    return pack_id(Own.LIVING) + pack_id(space)


def within_prefix(space: int) -> bytes:
    """Each space within another has a row with the key: this and its own id."""
    return pack_id(Own.WITHIN) + pack_id(space)


def log_space_prefix(stream: int) -> bytes:
    return pack_id(Own.LOG) + pack_id(stream)


def log_prefix(stream: int, shard: bytes) -> bytes:
    """A log's groups are this and the sequence of their last entry (8 bytes, big endian); the length keeps shards
    apart."""
    return log_space_prefix(stream) + pack_length(len(shard)) + shard
