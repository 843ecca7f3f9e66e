"""A stream opens as it was sealed, or not at all."""

import hashlib

import pytest

from statordb.crypto.sealer import KEY_BYTES, Unsealable
from statordb.crypto.streams import BLOCK_BYTES, END_BYTES, SEALED_BLOCK_BYTES, StreamOpener, StreamSealer

KEY = bytes(range(KEY_BYTES))


def sealed(content: bytes, key: bytes = KEY, bound: bytes = b"here") -> list[bytes]:
    sealer = StreamSealer(key, bound)
    cuts = range(0, len(content), BLOCK_BYTES)
    return [*(sealer.seal(content[cut : cut + BLOCK_BYTES]) for cut in cuts), sealer.end()]


def opened(blocks: list[bytes], key: bytes = KEY, bound: bytes = b"here") -> tuple[bytes, bytes]:
    """What was sealed, and its digest."""
    opener = StreamOpener(key, bound)
    content = b"".join([opener.open(block) for block in blocks[:-1]])
    opener.end(blocks[-1])
    return content, opener.digest


@pytest.mark.parametrize("size", [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1])
def test_what_was_sealed_opens(size: int) -> None:
    content = bytes(size)
    blocks = sealed(content)
    assert [len(block) for block in blocks[:-2]] == [SEALED_BLOCK_BYTES] * (len(blocks) - 2)
    assert len(blocks[-1]) == END_BYTES
    assert opened(blocks) == (content, hashlib.sha256(content).digest())


def test_the_bytes_of_a_stream_are_these() -> None:
    """A format of objects that outlive a release."""
    block, end = sealed(b"statordb")
    assert block.hex() == "7dc8d4aada5ee7df626b14107e2bdb92cf31552d9d4a3e78"
    assert end.hex() == (
        "964b71ed695ddd0be612b026eb87ba7a5f1c1bfdb1999f4385cd637f8731d600"
        "613c87fe9516273316117b4454caab4c0c6dbd06888aa394"
    )


def test_what_is_missing_moved_or_from_elsewhere_does_not_open() -> None:
    content = bytes(BLOCK_BYTES) + b"\1" * BLOCK_BYTES + b"rest"
    first, second, rest, end = blocks = sealed(content)
    other = sealed(content, bound=b"there")
    for wrong in (
        [first, second, end],
        [first, second, rest],
        [first, rest, end],
        [second, first, rest, end],
        [first, second, rest[:-1], end],
        [first, second, rest, end[:-1]],
        [first, second, rest, rest, end],
        [other[0], second, rest, end],
        [first, second, rest, other[-1]],
        [end],
        [first, b"", end],
        [first, second, rest, b""],
    ):
        with pytest.raises(Unsealable):
            opened(wrong)
    with pytest.raises(Unsealable):
        opened(blocks, bound=b"there")
    with pytest.raises(Unsealable):
        opened(blocks, key=bytes(KEY_BYTES))
    assert opened(blocks)[0] == content
