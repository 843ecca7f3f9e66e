"""What a bulk operation reports in the bucket that it was given.

    PREFIX/AWSDynamoDB/ID/_started                               empty: the bucket can be written to
    PREFIX/AWSDynamoDB/ID/error/000000.json                      a line of JSON for each item that could not be put
    PREFIX/AWSDynamoDB/ID/condition-check-failure/000000.json    the same for each whose condition did not hold
    PREFIX/AWSDynamoDB/ID/manifest.json                          at the end: counts, and which of these there are

AWS publishes that there are a report and a manifest, and not their form.
"""

from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import orjson

from statordb.objects.contract import Bucket, Encryption
from statordb.store.jobs.records import BulkRecord

ERROR, UNMET = "ERROR", "CONDITION_CHECK_FAILURE"
FOLDERS = {ERROR: "error", UNMET: "condition-check-failure"}
PART_BYTES_MIN = 1 << 20  # that are gathered for an object
_SLICE_BYTES = 256 << 10

Part = list[Any]
"""Kind, name of the object, lines, and the digest of its content, MD5 in Base64."""


class Reports:
    """Of one operation. Parts whose names were noted before are written again by who goes on from there."""

    def __init__(self, bucket: Bucket, record: BulkRecord) -> None:
        out = record.asked["OutputS3Configuration"]
        self._bucket = bucket
        self._wanted = frozenset(out["OutputType"])
        prefix = (out.get("S3KeyPrefix") or "").rstrip("/")
        self._folder = f"{prefix}/AWSDynamoDB/{record.id}" if prefix else f"AWSDynamoDB/{record.id}"
        self._source = record.asked["InputS3Configuration"]["S3Bucket"]
        self._encryption = _encryption(out)
        self._lines: dict[str, list[bytes]] = {ERROR: [], UNMET: []}
        self._size = 0
        self._parts: list[Part] = [*record.parts]

    async def begin(self) -> None:
        """Raises ObjectsFault where nothing can be written."""
        await self._put(f"{self._folder}/_started", b"")

    @property
    def is_large(self) -> bool:
        """Whether there is enough to be written."""
        return self._size >= PART_BYTES_MIN

    def error(self, name: str, index: int | None, message: str, item: bytes, line: int) -> None:
        """Of an item, or (None) of an object. `item`: its JSON, where it could be read."""
        told: dict[str, Any] = {"itemS3Pointer": self._pointer(name, index), "errorMessages": [message]}
        if line:
            told["line"] = line
        if item:
            told["item"] = orjson.Fragment(item)
        self._add(ERROR, told)

    def unmet(self, name: str, index: int, item: bytes, existing: bytes | None) -> None:
        told: dict[str, Any] = {"itemS3Pointer": self._pointer(name, index), "item": orjson.Fragment(item)}
        if existing is not None:
            told["existingItem"] = orjson.Fragment(existing)
        self._add(UNMET, told)

    async def flush(self) -> list[Part]:
        """Write what was gathered; all parts so far."""
        for kind, lines in self._lines.items():
            if lines:
                number = sum(part[0] == kind for part in self._parts)
                name = f"{self._folder}/{FOLDERS[kind]}/{number:06d}.json"
                md5 = await self._put(name, b"".join(lines))
                self._parts.append([kind, name, len(lines), b64encode(md5).decode()])
                self._lines[kind] = []
        self._size = 0
        return [*self._parts]

    async def end(self, record: BulkRecord, status: str, ended_at: float) -> None:
        """Write the manifest."""
        files = [
            {"outputType": kind, "s3Key": name, "itemCount": count, "md5Checksum": md5}
            for kind, name, count, md5 in self._parts
        ]
        manifest = {
            "bulkOperationArn": record.arn,
            "tableArn": record.table_arn,
            "tableId": record.table_id,
            "status": status,
            "startTime": record.started_at,
            "endTime": ended_at,
            "processedItemCount": record.processed,
            "failedItemCount": record.failed,
            "outputFiles": files,
        }
        await self._put(f"{self._folder}/manifest.json", orjson.dumps(manifest))

    def _add(self, kind: str, told: dict[str, Any]) -> None:
        if kind in self._wanted:
            line = orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE)
            self._lines[kind].append(line)
            self._size += len(line)

    def _pointer(self, name: str, index: int | None) -> dict[str, Any]:
        pointer: dict[str, Any] = {"bucket": self._source, "key": name}
        if index is not None:
            pointer["itemIndex"] = index
        return pointer

    async def _put(self, name: str, content: bytes) -> bytes:
        return (await self._bucket.put(name, _slices(content), self._encryption)).md5


def _encryption(out: dict[str, Any]) -> Encryption | None:
    algorithm = out.get("S3SseAlgorithm")
    if algorithm is None:
        return None
    if algorithm == "KMS":
        return Encryption("aws:kms", out.get("S3SseKmsKeyId") or "")
    return Encryption("AES256")


async def _slices(content: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(content), _SLICE_BYTES):
        yield content[at : at + _SLICE_BYTES]
