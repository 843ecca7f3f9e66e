"""Checksums of data files, where files lie, and whether an export that is read is the one that was written."""

import hashlib
from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.exchange.test_documentation import FULL

from statordb.exchange import layout as layouts
from statordb.exchange.layout import Layout, relative_paths
from statordb.exchange.manifests import (
    Damaged,
    DataFile,
    check_file,
    checksum,
    files_text,
    read_files,
    read_summary,
)
from statordb.exchange.writing import Writer

LINE = b'{"itemCount":8,"md5Checksum":"sQMSpEILNgoQmarvDFonGQ==","etag":"e-1","dataFileS3Key":"a/data/b.json.gz"}\n'


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8), st.integers(1, 60))
def test_checksums_are_those_of_the_file(texts: list[bytes], part_bytes: int) -> None:
    """An ETag is of the parts in which a file is uploaded: their MD5s' MD5, and how many they are."""
    whole, parted = Writer("DYNAMODB_JSON"), Writer("DYNAMODB_JSON", part_bytes)
    data = b"".join(whole.items([text]) for text in texts) + whole.end()
    assert b"".join(parted.items([text]) for text in texts) + parted.end() == data
    assert b64decode(whole.md5_checksum) == hashlib.md5(data).digest() == b64decode(parted.md5_checksum)
    assert whole.etag == hashlib.md5(data).hexdigest()
    parts = [hashlib.md5(data[at : at + part_bytes]).digest() for at in range(0, len(data), part_bytes)]
    assert parted.etag == f"{hashlib.md5(b''.join(parts)).hexdigest()}-{len(parts)}"
    assert whole.size == parted.size == len(data)


def test_an_export_is_named_by_its_begin() -> None:
    assert layouts.export_id(1791506414432, b"\x3f\x2e\x5a\xa4") == "01791506414432-3f2e5aa4"


@pytest.mark.parametrize(
    ("prefix", "begin"),
    [(None, ""), ("", ""), ("foo", "foo/"), ("foo/", "foo/"), ("/foo", "/foo/"), ("a//b", "a//b/")],
)
def test_prefixes_are_kept_as_they_are(prefix: str | None, begin: str) -> None:
    assert Layout(prefix, "ID").summary == begin + "AWSDynamoDB/ID/manifest-summary.json"


def test_data_files_have_names_of_26_characters() -> None:
    random = bytes(range(layouts.FILE_NAME_BYTES))
    name = "aaaqeayeaudaocajbifqydiob4"
    assert Layout(None, "ID").data(random) == f"AWSDynamoDB/ID/data/{name}.json.gz"
    assert Layout("p", "ID", "ION").data(random) == f"p/AWSDynamoDB/ID/data/{name}.ion.gz"
    assert Layout("p", "ID", incremental=True).data(random) == f"p/AWSDynamoDB/data/{name}.gz"


def test_a_file_may_have_been_copied_with_some_of_its_key() -> None:
    assert relative_paths("/p/ID/data/x") == ["p/ID/data/x", "ID/data/x", "data/x", "x"]


@pytest.mark.parametrize("key", ["../x", "a/../../x", "a/./x", "a//x", "a\\..\\x", "a\0", "", "/", "a/"])
def test_no_key_leads_out_of_its_directory(key: str) -> None:
    assert relative_paths(key) == []


@pytest.mark.parametrize("ending", [b"", b"\n"])
def test_a_manifest_is_held_against_its_checksum(ending: bytes) -> None:
    written = checksum(FULL + ending)
    assert read_summary(FULL, written + b"\n").item_count == 8
    with pytest.raises(Damaged, match=r"manifest-summary\.json does not have the MD5"):
        read_summary(FULL.replace(b"8", b"9"), written)
    assert files_text(read_files(LINE, checksum(LINE))) == LINE
    with pytest.raises(Damaged, match=r"manifest-files\.json does not have the MD5"):
        read_files(LINE + LINE, checksum(LINE))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"{", "manifest-summary.json is not JSON"),
        (b"[]", "manifest-summary.json is not a JSON object"),
        (FULL.replace(b'"itemCount": 8', b'"itemCount": "8"'), "has a itemCount of another type"),
        (FULL.replace(b'"itemCount": 8', b'"itemCount": true'), "has a itemCount of another type"),
        (FULL.replace(b'"tableId"', b'"table"'), "has no tableId"),
        (FULL.replace(b"2020-11-04T07:33:43.897Z", b"2020-11-04T07:33:43"), "has a endTime that is no time"),
        (FULL.replace(b"2020-11-04T07:33:43.897Z", b"soon"), "has a endTime that is no time"),
    ],
)
def test_a_summary_that_is_none(text: bytes, says: str) -> None:
    with pytest.raises(Damaged, match=says):
        read_summary(text, None)


def test_a_line_of_files_that_is_none_is_named() -> None:
    with pytest.raises(Damaged, match=r"Line 2 of manifest-files\.json is not JSON"):
        read_files(LINE + b"x\n", None)


def test_a_data_file_is_held_against_its_manifest() -> None:
    writer = Writer("DYNAMODB_JSON")
    data = writer.items([b"{}"]) + writer.end()
    file = DataFile(writer.item_count, writer.md5_checksum, writer.etag, "data/x")
    check_file(file, hashlib.md5(data).digest(), 1)
    with pytest.raises(Damaged, match="its MD5 is another"):
        check_file(file, hashlib.md5(data + b"x").digest(), 1)
    with pytest.raises(Damaged, match="has 2 items, where its manifest says 1"):
        check_file(file, hashlib.md5(data).digest(), 2)
