"""Files that tables are written to and read from: their format by their name, and an AWS export as it was copied."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from statordb.exchange.layout import relative_paths
from statordb.exchange.manifests import Damaged, DataFile, Summary, check_file, read_files, read_summary
from statordb.model.limits import EXCHANGE_MANIFEST_BYTES_MAX
from statordb.server.transfer.endpoint import Failed

SUMMARY = "manifest-summary.json"
PIECE_BYTES = 64 * 1024
FORMATS = {
    ".json": "DYNAMODB_JSON",
    ".jsonl": "DYNAMODB_JSON",
    ".ndjson": "DYNAMODB_JSON",
    ".ion": "ION",
    ".csv": "CSV",
}
COMPRESSIONS = {".gz": "GZIP", ".zst": "ZSTD", ".zstd": "ZSTD"}


class Source(NamedTuple):
    """A file of items. `manifest`: what an export says of it."""

    path: Path
    input_format: str
    compression: str
    manifest: DataFile | None = None

    def pieces(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                yield piece


def kind_of(path: Path, form: str | None = None) -> tuple[str, str]:
    """Format and compression by a file's name; `form` is a format that was named. Raises Failed."""
    endings = [ending.lower() for ending in path.suffixes[-2:]]
    compression = COMPRESSIONS.get(endings[-1]) if endings else None
    if compression is not None:
        endings.pop()
    found = form or (FORMATS.get(endings[-1]) if endings else None)
    if found is None:
        raise Failed(f"{path.name} does not say its format: it ends with none of {', '.join(FORMATS)}; see --format.")
    return found, compression or "NONE"


def sources_of(path: Path, form: str | None) -> list[Source]:
    """The files of what is imported: one, or all of an export. Raises Failed, before anything is imported."""
    try:
        return _of_export(path) if path.is_dir() else [Source(path, *kind_of(path, form))]
    except Damaged as fault:
        raise Failed(f"{fault}.") from None


def _of_export(directory: Path) -> list[Source]:
    """Every manifest and file is held against its checksum."""
    summary, at = _summary(directory)
    files = read_files(_text(at / "manifest-files.json"), _checksum(at / "manifest-files.checksum"))
    counted = sum(file.item_count for file in files)
    if counted != summary.item_count:
        raise Damaged(f"manifest-files.json has {counted} items, where manifest-summary.json has {summary.item_count}")
    sources = []
    for file in files:
        source = Source(_found(directory, at, file), summary.output_format, "GZIP", file)
        digest = hashlib.md5(usedforsecurity=False)
        for piece in source.pieces():
            digest.update(piece)
        check_file(file, digest.digest(), file.item_count)
        sources.append(source)
    return sources


def _summary(directory: Path) -> tuple[Summary, Path]:
    """And the directory that it lies in."""
    found = [directory / SUMMARY] if (directory / SUMMARY).is_file() else sorted(directory.rglob(SUMMARY))
    if not found:
        raise Failed(f"There is no export in {directory}: it has no {SUMMARY}.")
    if len(found) > 1:
        names = ", ".join(str(one.parent.relative_to(directory)) for one in found[:10])
        raise Failed(f"There are {len(found)} exports in {directory}: name one of {names}.")
    at = found[0].parent
    return read_summary(_text(found[0]), _checksum(at / "manifest-summary.checksum")), at


def _found(directory: Path, at: Path, file: DataFile) -> Path:
    """Where a data file is, below the directory or beside the manifests."""
    for relative in relative_paths(file.data_file_s3_key):
        for place in (directory, at, at.parent, at.parent.parent):
            if (place / relative).is_file():
                return place / relative
    raise Damaged(f"{file.data_file_s3_key} is missing in {directory}")


def _text(path: Path) -> bytes:
    if not path.is_file():
        raise Damaged(f"{path.name} is missing in {path.parent}")
    with path.open("rb") as file:
        return file.read(EXCHANGE_MANIFEST_BYTES_MAX + 1)


def _checksum(path: Path) -> bytes | None:
    return _text(path) if path.is_file() else None
