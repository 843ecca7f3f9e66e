"""What is imported, by its name, or by the manifests of an export."""

import gzip
import hashlib
from pathlib import Path

import pytest

from statordb.exchange.layout import Layout
from statordb.exchange.manifests import DataFile, Summary, checksum, files_text
from statordb.exchange.writing import Writer
from statordb.server.transfer.endpoint import Failed
from statordb.server.transfer.files import kind_of, sources_of

LAYOUT = Layout("prefix", "01234567890123-a1b2c3d4")


def laid_out(root: Path, texts: list[list[bytes]], layout: Layout = LAYOUT) -> Path:
    """An export as AWS lays it out; a data file for each list."""
    files = []
    for number, some in enumerate(texts):
        writer = Writer(layout.export_format)
        data = writer.items(some) + writer.end()
        key = layout.data(bytes([number]) * 16)
        files.append(DataFile(writer.item_count, writer.md5_checksum, writer.etag, key))
        put(root / key, data)
    put(root / layout.started, b"")
    put(root / layout.files, files_text(files))
    put(root / layout.files_checksum, checksum(files_text(files)))
    arn = "arn:aws:dynamodb:us-east-1:123456789012:table/books"
    summary = Summary(
        export_arn=f"{arn}/export/{layout.export_id}",
        start_time=1_600_000_000_000,
        end_time=1_600_000_300_000,
        table_arn=arn,
        table_id="12345a12-abcd-123a-ab12-1234abc12345",
        export_time=1_600_000_000_000,
        window=None,
        s3_bucket="bucket",
        s3_prefix=layout.prefix,
        s3_sse_algorithm="AES256",
        s3_sse_kms_key_id=None,
        manifest_files_s3_key=layout.files,
        billed_size_bytes=0,
        item_count=sum(map(len, texts)),
        output_format=layout.export_format,
    ).text()
    put(root / layout.summary, summary)
    put(root / layout.summary_checksum, checksum(summary))
    return root


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


ONE, TWO = b'{"id":{"S":"1"}}', b'{"id":{"S":"2"}}'


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.json", ("DYNAMODB_JSON", "NONE")),
        ("a.b.jsonl.gz", ("DYNAMODB_JSON", "GZIP")),
        ("a.ION.zst", ("ION", "ZSTD")),
        ("a.csv", ("CSV", "NONE")),
    ],
)
def test_a_name_says_the_format(name: str, kind: tuple[str, str]) -> None:
    assert kind_of(Path(name)) == kind


def test_a_name_that_says_none_needs_it_named() -> None:
    with pytest.raises(Failed, match="does not say its format"):
        kind_of(Path("a.gz"))
    assert kind_of(Path("a.gz"), "ION") == ("ION", "GZIP")


@pytest.mark.parametrize("part", ["", "prefix", "prefix/AWSDynamoDB", "prefix/AWSDynamoDB/01234567890123-a1b2c3d4"])
def test_an_export_is_found_from_wherever_it_was_copied(tmp_path: Path, part: str) -> None:
    laid_out(tmp_path, [[ONE, TWO], []])
    sources = sources_of(tmp_path / part, None)
    assert [source.input_format for source in sources] == ["DYNAMODB_JSON"] * 2
    assert [b"".join(source.pieces()) != b"" for source in sources] == [True, True]
    assert gzip.decompress(b"".join(sources[0].pieces())).count(b"\n") == 2


def test_several_exports_are_to_be_told_apart(tmp_path: Path) -> None:
    laid_out(tmp_path, [[ONE]])
    laid_out(tmp_path, [[ONE]], Layout("prefix", "01234567890124-a1b2c3d4"))
    with pytest.raises(Failed, match="There are 2 exports in"):
        sources_of(tmp_path, None)
    with pytest.raises(Failed, match=r"it has no manifest-summary\.json"):
        sources_of(tmp_path / "prefix/AWSDynamoDB/01234567890123-a1b2c3d4/data", None)


def test_each_damage_is_found_before_anything_is_imported(tmp_path: Path) -> None:
    laid_out(tmp_path, [[ONE, TWO]])
    (data,) = tmp_path.rglob("data/*")
    whole = data.read_bytes()
    data.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(Failed, match="is not the file that the export wrote"):
        sources_of(tmp_path, None)
    data.unlink()
    with pytest.raises(Failed, match="is missing in"):
        sources_of(tmp_path, None)
    data.write_bytes(whole)
    assert hashlib.md5(whole).digest()
    (manifest,) = tmp_path.rglob("manifest-files.json")
    manifest.write_bytes(manifest.read_bytes() * 2)
    with pytest.raises(Failed, match="does not have the MD5"):
        sources_of(tmp_path, None)
    put(manifest.with_suffix(".checksum"), checksum(manifest.read_bytes()))
    with pytest.raises(Failed, match="has 4 items, where manifest-summary"):
        sources_of(tmp_path, None)


def test_a_manifest_leads_nowhere_else(tmp_path: Path) -> None:
    """Its keys may be anything."""
    laid_out(tmp_path / "export", [[ONE]])
    put(tmp_path / "secret", b"x")
    (manifest,) = tmp_path.rglob("manifest-files.json")
    put(manifest, files_text([DataFile(1, "x", "x", "../secret")]))
    put(manifest.with_suffix(".checksum"), checksum(manifest.read_bytes()))
    with pytest.raises(Failed, match="is missing in"):
        sources_of(tmp_path / "export", None)
