"""Items of every type, as a store keeps them, and how they get through a format."""

import gzip
from base64 import b64encode
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import orjson
from backports import zstd
from hypothesis import strategies as st

from statordb.exchange.entries import Found
from statordb.exchange.reading import Reader
from statordb.model.values import check_item

texts = st.text(max_size=12)
binaries = st.binary(max_size=9).map(lambda content: b64encode(content).decode())
signs = st.sampled_from(["", "-"])
numbers = st.one_of(
    st.integers(-1000, 1000).map(str),
    st.builds(
        lambda sign, digits, exponent: f"{sign}{digits}e{exponent}",
        signs,
        st.integers(1, 10**38 - 1),
        st.integers(-130, 88),
    ),
    st.builds(lambda sign, exponent: f"{sign}1e{exponent}", signs, st.integers(-130, 125)),
)
scalars = st.one_of(
    texts.map(lambda content: {"S": content}),
    numbers.map(lambda content: {"N": content}),
    binaries.map(lambda content: {"B": content}),
    st.booleans().map(lambda content: {"BOOL": content}),
    st.just({"NULL": True}),
    st.lists(texts, min_size=1, max_size=3, unique=True).map(lambda content: {"SS": content}),
    st.lists(st.integers(-99, 99).map(str), min_size=1, max_size=3, unique=True).map(lambda content: {"NS": content}),
    st.lists(binaries, min_size=1, max_size=3, unique=True).map(lambda content: {"BS": content}),
)
names = st.one_of(
    st.sampled_from(["a", "Id", "null", "$1", "$ion_1_0", "it's", "x y", "é", 'a"b', "back\\slash", "line\nbreak"]),
    st.text(min_size=1, max_size=8),
)
values: Any = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda content: {"L": content}),
        st.dictionaries(names, inner, max_size=3).map(lambda content: {"M": content}),
    ),
    max_leaves=6,
)


def normalised(item: dict[str, Any]) -> dict[str, Any]:
    check_item(item)
    return item


items = st.dictionaries(names, values, max_size=5).map(normalised)

PACKERS: dict[str, Any] = {"NONE": bytes, "GZIP": lambda text: gzip.compress(text, mtime=0), "ZSTD": zstd.compress}


def stored(item: dict[str, Any]) -> bytes:
    """As the store has it."""
    return orjson.dumps(item)


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    """In pieces, as they may come from anywhere."""
    at = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in pairwise(at)]


def read(reader: Reader, pieces: Iterable[bytes]) -> list[Found]:
    """All that is in an object."""
    found: list[Found] = []
    for piece in pieces:
        for some in reader.feed(piece):
            found += some
    for some in reader.end():
        found += some
    return found
