"""Accept-Encoding as DynamoDB reads it, oddities included; packed bodies within their bounds."""

import gzip
import random
import zlib

import pytest

from statordb.model.errors import ClientError
from statordb.model.limits import KIB, MIB
from statordb.wire.encoding import choose_coding, decode_body, unpack


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        ("", None),
        ("identity", None),
        ("br", None),
        ("x-gzip", None),
        ("gzip, deflate", "gzip"),
        ("br, identity, deflate, gzip", "deflate"),
        ("GZIP, identity", "gzip"),
        ("dog, gzip ,, cat", "gzip"),
        ("gzip;q=0.8, deflate;q=0.5", "gzip"),
        ("br, gzip;q=0, deflate; q = 0.5 , identity;q=0", "deflate"),
        ("*", "gzip"),
        ("*, deflate;q=0.5", "gzip"),
        ("*, deflate", "deflate"),
        ("*, gzip;q=0.5", "deflate"),
        ("gzip ;q=0", None),
        ("*;q=0", None),
        ("*;q=0.5,identity", "gzip"),
        ("gzip;q=0.5,identity;q=0.8", "gzip"),
        ('"gzip"', None),
        ("gzip br", None),
        ("gzip:q=1", None),
        ("deflate;q=0.5, gzip;q=31", "gzip"),
        ("gzip;q=31,deflate;q=51", "gzip"),
        ("deflate;q=0.5, gzip;q=1;q=0.2", "gzip"),
        ("deflate;q=0.5,gzip;q=0.", "deflate"),
        ("deflate;q=0.5,gzip;q=0.x", "gzip"),
        ("deflate;q=0.5,gzip;q=0. x", "gzip"),
        ("deflate;q=-0.5,gzip;q=0.2", "gzip"),
        ("gzip;q= 0;q=1", None),
        ("gzip;q =0;q=1", "gzip"),
        ("gzip;nq=0;q=1", None),
        ("gzip;q=0, gzip;q=1, gzip;q=0", "gzip"),
        ("gzip;q=0.0001", "gzip"),
    ],
)
def test_choice(accept: str, coding: str | None) -> None:
    """By RFC 9110: weights, wildcards, and what is said twice."""
    assert choose_coding(accept.encode()) == coding


PACKERS = {b"gzip": gzip.compress, b"deflate": zlib.compress}


@pytest.mark.parametrize("coding", PACKERS)
@pytest.mark.parametrize("size", [0, 1, 255 * KIB, 256 * KIB, 256 * KIB + 1, 3 * MIB])
def test_what_was_packed_comes_back_whole(coding: bytes, size: int) -> None:
    body = random.Random(1).randbytes(size)
    packed = PACKERS[coding](body)
    assert decode_body(coding, packed, size) == body
    if size:
        with pytest.raises(ClientError) as refused:
            decode_body(coding, packed, size - 1)
        assert refused.value.status == 413


@pytest.mark.parametrize("coding", PACKERS)
def test_pieces_of_any_size_are_put_together(coding: bytes) -> None:
    """Bodies that pack well fill a piece before the packed bytes are used up, at any place."""
    for size in range(250 * KIB, 270 * KIB, 997):
        body = b"a" * size + b"b"
        assert decode_body(coding, PACKERS[coding](body), MIB) == body


def test_a_gzip_body_has_few_members() -> None:
    assert decode_body(b"gzip", gzip.compress(b"a") * 16, 16) == b"a" * 16
    with pytest.raises(ClientError) as refused:
        decode_body(b"gzip", gzip.compress(b"a") * 17, 17)
    assert refused.value.status == 413


def test_empty_members_cost_nothing() -> None:
    """16 MB of them once took minutes: the rest of the body was copied behind each."""
    with pytest.raises(ClientError):
        decode_body(b"gzip", gzip.compress(b"") * 800_000 + gzip.compress(b"{}"), 16 * MIB)


def test_what_is_packed_beyond_reason_is_refused() -> None:
    """A batch of items of one letter each packs 1,000 to one, and is no reason to refuse it."""
    assert len(decode_body(b"gzip", gzip.compress(b" " * 8 * MIB), 16 * MIB)) == 8 * MIB
    with pytest.raises(ClientError) as refused:
        decode_body(b"gzip", gzip.compress(b" " * 9 * MIB), 16 * MIB)
    assert refused.value.status == 413


@pytest.mark.parametrize("coding", PACKERS)
def test_larger_bodies_are_left_packed(coding: bytes) -> None:
    small, large = b"a" * 1000, b"a" * 1001
    assert unpack(coding, PACKERS[coding](small), 1000) == small
    assert unpack(coding, PACKERS[coding](large), 1000) is None
    assert unpack(coding, random.Random(1).randbytes(1001), 1000) is None
    assert unpack(b"identity", large, 1000) == large
    with pytest.raises(ClientError):
        unpack(b"br", large, 1000)
