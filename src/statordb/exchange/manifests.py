"""Manifests of exports: which files there are, what is in them, and whether they are what they were.

Source of members, their order and their versions: developer guide, "DynamoDB table export output format".
"""

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import md5
from typing import Any, NamedTuple, TypeVar

import orjson

from statordb.model.limits import EXCHANGE_MANIFEST_BYTES_MAX

FULL_VERSION = "2020-06-30"
INCREMENTAL_VERSION = "2023-08-01"
INCREMENTAL = "INCREMENTAL_EXPORT"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

Kind = TypeVar("Kind")


class Damaged(Exception):
    """A manifest or a file that is not what the export wrote: its text says which, and what is wrong."""


class Window(NamedTuple):
    """Of an incremental export: from (inclusive) and to (exclusive) in milliseconds since 1970; its view type."""

    from_time: int
    to_time: int
    view: str


@dataclass(frozen=True, slots=True)
class Summary:
    """The content of manifest-summary.json; times in milliseconds since 1970.

    `export_time` is that of a full export, `window` of an incremental one; the other is None.
    """

    export_arn: str
    start_time: int
    end_time: int
    table_arn: str
    table_id: str
    export_time: int | None
    window: Window | None
    s3_bucket: str
    s3_prefix: str | None
    s3_sse_algorithm: str
    s3_sse_kms_key_id: str | None
    manifest_files_s3_key: str
    billed_size_bytes: int
    item_count: int
    output_format: str

    def text(self) -> bytes:
        """As it is written."""
        members: dict[str, Any] = {
            "version": FULL_VERSION if self.window is None else INCREMENTAL_VERSION,
            "exportArn": self.export_arn,
            "startTime": _text(self.start_time),
            "endTime": _text(self.end_time),
            "tableArn": self.table_arn,
            "tableId": self.table_id,
        }
        if self.export_time is not None:
            members["exportTime"] = _text(self.export_time)
        if self.window is not None:
            members["exportFromTime"] = _text(self.window.from_time)
            members["exportToTime"] = _text(self.window.to_time)
        members |= {
            "s3Bucket": self.s3_bucket,
            "s3Prefix": self.s3_prefix,
            "s3SseAlgorithm": self.s3_sse_algorithm,
            "s3SseKmsKeyId": self.s3_sse_kms_key_id,
            "manifestFilesS3Key": self.manifest_files_s3_key,
            "billedSizeBytes": self.billed_size_bytes,
            "itemCount": self.item_count,
            "outputFormat": self.output_format,
        }
        if self.window is not None:
            members |= {"outputView": self.window.view, "exportType": INCREMENTAL}
        return orjson.dumps(members)


class DataFile(NamedTuple):
    """A line of manifest-files.json. `md5_checksum`: Base64."""

    item_count: int
    md5_checksum: str
    etag: str
    data_file_s3_key: str


def files_text(files: Iterable[DataFile]) -> bytes:
    """manifest-files.json: a line for each data file."""
    return b"".join(
        orjson.dumps(
            {
                "itemCount": file.item_count,
                "md5Checksum": file.md5_checksum,
                "etag": file.etag,
                "dataFileS3Key": file.data_file_s3_key,
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )
        for file in files
    )


def checksum(text: bytes) -> bytes:
    """The content of a manifest's .checksum file: its MD5 as Base64."""
    return b64encode(md5(text, usedforsecurity=False).digest())


def read_summary(text: bytes, written: bytes | None) -> Summary:
    """manifest-summary.json; `written`: the content of its checksum file, where there is one. Raises Damaged."""
    _check(text, written, "manifest-summary")
    members = _Members(_object(text, "manifest-summary.json"), "manifest-summary.json")
    incremental = members.optional("exportType", str) == INCREMENTAL
    return Summary(
        export_arn=members.get("exportArn", str),
        start_time=members.time("startTime"),
        end_time=members.time("endTime"),
        table_arn=members.get("tableArn", str),
        table_id=members.get("tableId", str),
        export_time=None if incremental else members.time("exportTime"),
        window=Window(members.time("exportFromTime"), members.time("exportToTime"), members.get("outputView", str))
        if incremental
        else None,
        s3_bucket=members.get("s3Bucket", str),
        s3_prefix=members.optional("s3Prefix", str),
        s3_sse_algorithm=members.get("s3SseAlgorithm", str),
        s3_sse_kms_key_id=members.optional("s3SseKmsKeyId", str),
        manifest_files_s3_key=members.get("manifestFilesS3Key", str),
        billed_size_bytes=members.get("billedSizeBytes", int),
        item_count=members.get("itemCount", int),
        output_format=members.get("outputFormat", str),
    )


def read_files(text: bytes, written: bytes | None) -> list[DataFile]:
    """manifest-files.json, as `read_summary`."""
    _check(text, written, "manifest-files")
    files = []
    for number, line in enumerate(text.split(b"\n"), 1):
        if line.strip():
            where = f"Line {number} of manifest-files.json"
            members = _Members(_object(line, where), where)
            files.append(
                DataFile(
                    members.get("itemCount", int),
                    members.get("md5Checksum", str),
                    members.get("etag", str),
                    members.get("dataFileS3Key", str),
                )
            )
    return files


def check_file(file: DataFile, digest: bytes, item_count: int) -> None:
    """Raises Damaged unless a data file's MD5 and the items in it are those of the manifest."""
    if b64encode(digest).decode() != file.md5_checksum:
        raise Damaged(f"{file.data_file_s3_key} is not the file that the export wrote: its MD5 is another")
    if item_count != file.item_count:
        raise Damaged(f"{file.data_file_s3_key} has {item_count} items, where its manifest says {file.item_count}")


def _check(text: bytes, written: bytes | None, name: str) -> None:
    if len(text) > EXCHANGE_MANIFEST_BYTES_MAX:
        raise Damaged(f"{name}.json is larger than {EXCHANGE_MANIFEST_BYTES_MAX} bytes")
    if written is None:
        return
    # Whether AWS has a newline at the end of what it hashes is not known: any of the three will do.
    bare = text.rstrip(b"\n")
    if written.strip() not in (checksum(text), checksum(bare), checksum(bare + b"\n")):
        raise Damaged(f"{name}.json does not have the MD5 that {name}.checksum says")


def _object(text: bytes, where: str) -> dict[str, Any]:
    try:
        value = orjson.loads(text)
    except ValueError as fault:
        raise Damaged(f"{where} is not JSON: {fault}") from None
    if type(value) is not dict:
        raise Damaged(f"{where} is not a JSON object")
    return value


class _Members:
    """Those of a JSON object, asked for by name and type."""

    def __init__(self, members: dict[str, Any], where: str) -> None:
        self._members = members
        self._where = where

    def get(self, name: str, kind: type[Kind]) -> Kind:
        value = self.optional(name, kind)
        if value is None:
            raise Damaged(f"{self._where} has no {name}")
        return value

    def optional(self, name: str, kind: type[Kind]) -> Kind | None:
        value = self._members.get(name)
        if value is None or type(value) is kind:
            return value
        raise Damaged(f"{self._where} has a {name} of another type")

    def time(self, name: str) -> int:
        text = self.get(name, str)
        try:
            return (datetime.fromisoformat(text) - _EPOCH) // _MILLISECOND
        except (ValueError, TypeError, OverflowError):  # a time without its zone is a TypeError
            raise Damaged(f"{self._where} has a {name} that is no time: {text[:64]}") from None


def _text(epoch_ms: int) -> str:
    moment = _EPOCH + epoch_ms * _MILLISECOND
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
