"""What is written is what is read, for every type, format, compression and way to cut it."""

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.exchange.strategies import PACKERS, cut, items, read, stored

from statordb.exchange.entries import Entry, Record
from statordb.exchange.reading import Reader
from statordb.exchange.writing import Writer
from statordb.model.values import item_size

FORMATS = ["DYNAMODB_JSON", "ION"]
places = st.lists(st.integers(0, 10_000), max_size=4)


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=15)
@given(st.lists(items, max_size=4), places)
def test_items_come_back_as_they_were(form: str, some: list[dict[str, object]], at: list[int]) -> None:
    writer = Writer(form)
    data = writer.items([stored(item) for item in some]) + writer.end()
    found = read(Reader(form, "GZIP"), cut(data, at))
    assert found == [Entry(number, item, item_size(item)) for number, item in enumerate(some)]
    assert writer.item_count == len(some)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("compression", PACKERS)
@settings(max_examples=8)
@given(st.lists(items, max_size=3), places)
def test_each_compression_is_read(form: str, compression: str, some: list[dict[str, object]], at: list[int]) -> None:
    writer = Writer(form)
    text = gzip.decompress(writer.items([stored(item) for item in some]) + writer.end())
    found = read(Reader(form, compression), cut(PACKERS[compression](text), at))
    assert [entry.item for entry in found if isinstance(entry, Entry)] == some


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=12)
@given(st.integers(0, 10**17), items, st.none() | items, st.none() | items)
def test_records_come_back_as_they_were(
    form: str, micros: int, keys: dict[str, object], new: dict[str, object] | None, old: dict[str, object] | None
) -> None:
    writer = Writer(form)
    images = [None if image is None else stored(image) for image in (new, old)]
    data = writer.record(micros, stored(keys), *images) + writer.end()
    assert read(Reader(form, "GZIP"), [data]) == [Record(0, micros, keys, new, old)]
    assert writer.item_count == 1


@pytest.mark.parametrize("form", FORMATS)
def test_an_export_of_nothing_is_a_file_of_nothing(form: str) -> None:
    writer = Writer(form)
    data = writer.items([]) + writer.end()
    assert gzip.decompress(data) == b""
    assert read(Reader(form, "GZIP"), [data]) == []
