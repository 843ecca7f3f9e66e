"""Where a partition lies on Cassandra's ring: its Murmur3 token, and the ring cut into segments.

Cassandra's hash is the x64, 128-bit variant of MurmurHash3, of which it keeps the first half; other than the original
it takes the bytes behind the last whole block as signed ones.
"""

from struct import Struct

FIRST = -(1 << 63)
LAST = (1 << 63) - 1
RING_BITS = 64

_MASK = (1 << 64) - 1
_C1 = 0x87C37B91114253D5
_C2 = 0x4CF5AD432745937F
_BLOCK_BYTES = 16
_blocks = Struct("<QQ").iter_unpack


def token(partition: bytes) -> int:
    """FIRST < token <= LAST. `partition`: as stored."""
    length = len(partition)
    whole = length - length % _BLOCK_BYTES
    h1 = h2 = 0
    for k1, k2 in _blocks(partition[:whole]):
        h1 ^= _scramble1(k1)
        h1 = ((h1 << 27 | h1 >> 37) + h2) * 5 + 0x52DCE729 & _MASK
        h2 ^= _scramble2(k2)
        h2 = ((h2 << 31 | h2 >> 33) + h1) * 5 + 0x38495AB5 & _MASK
    if length != whole:
        h1 ^= _scramble1(_tail(partition[whole : whole + 8]))
        h2 ^= _scramble2(_tail(partition[whole + 8 :]))
    h1 ^= length
    h2 ^= length
    h1 = h1 + h2 & _MASK
    h2 = h2 + h1 & _MASK
    found = _finish(h1) + _finish(h2) & _MASK
    signed = found - (1 << 64) if found > LAST else found
    return LAST if signed == FIRST else signed  # FIRST stands for the ring's beginning, and is nobody's


def segment(index: int, total: int) -> tuple[int, int]:
    """First and last token of one segment of `total`; the last is below the first where a segment has none."""
    return (index << RING_BITS) // total + FIRST, ((index + 1) << RING_BITS) // total + FIRST - 1


def segment_of(position: int, total: int) -> int:
    """The segment, of `total`, that holds a token."""
    return ((position - FIRST + 1) * total - 1) >> RING_BITS


def _scramble1(k: int) -> int:
    k = k * _C1 & _MASK
    return (k << 31 | k >> 33) * _C2 & _MASK


def _scramble2(k: int) -> int:
    k = k * _C2 & _MASK
    return (k << 33 | k >> 31) * _C1 & _MASK


def _tail(data: bytes) -> int:
    """Up to eight bytes, each sign-extended before it is shifted to its place."""
    k = 0
    for index, byte in enumerate(data):
        k ^= (byte - 256 if byte > 127 else byte) << 8 * index
    return k & _MASK


def _finish(h: int) -> int:
    h = (h ^ h >> 33) * 0xFF51AFD7ED558CCD & _MASK
    h = (h ^ h >> 33) * 0xC4CEB9FE1A85EC53 & _MASK
    return h ^ h >> 33
