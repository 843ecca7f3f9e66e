"""A table that is exported in process, to buckets in a directory."""

import gzip
from base64 import b64encode
from hashlib import md5
from pathlib import Path
from typing import Any

import orjson
from tests.archive.memory_bucket import MemoryBucket
from tests.archive.recovered import ship
from tests.in_process import Api

from statordb.exchange import manifests
from statordb.keeper.exports import Exports
from statordb.keeper.sources import Sources
from statordb.objects.directory import DirectoryObjects
from statordb.outbound.permissions import Permissions

ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/abc"
ON = {"PointInTimeRecoveryEnabled": True}
Record = dict[str, Any]


class Outlet:
    """Buckets below a directory, the archive, and the duty that exports."""

    def __init__(self, api: Api, directory: Path, allowed: tuple[str, ...] = ("any",)) -> None:
        self.api = api
        self.directory = directory / "buckets"
        (self.directory / "bucket").mkdir(parents=True)
        self.own = MemoryBucket()
        self.sources = Sources(DirectoryObjects(self.directory), Permissions(allowed).check)

    def duty(self) -> Exports:
        """Of a keeper that has just begun."""
        return Exports(
            self.api.store, self.own, self.sources, lambda _, fault: self.api.faults.append(fault), self.api.clock.now
        )

    def enable(self) -> None:
        self.api("UpdateContinuousBackups", TableName="abc", PointInTimeRecoverySpecification=ON)
        self.pass_by(1.0)
        self.ship()

    def pass_by(self, seconds: float) -> None:
        self.api.clock.advance(seconds)

    def ship(self) -> None:
        ship(self.api, self.own)

    def begin(self, **members: Any) -> str:
        """Ask for an export; its ARN."""
        request = {"TableArn": ARN, "S3Bucket": "bucket", **members}
        arn: str = self.api("ExportTableToPointInTime", **request)["ExportDescription"]["ExportArn"]
        return arn

    def work(self) -> None:
        """Have all be done that is asked for, and shipped."""
        duty = self.duty()

        async def export() -> None:
            for record in await self.api.store.exports.under_way():
                await duty.export(record)

        self.ship()
        self.api.run(export())

    def told(self, arn: str) -> dict[str, Any]:
        told: dict[str, Any] = self.api("DescribeExport", ExportArn=arn)["ExportDescription"]
        return told

    def exported(self, **members: Any) -> dict[str, Any]:
        """What became of an export."""
        arn = self.begin(**members)
        self.work()
        return self.told(arn)

    def window(self, since: float, until: float, **members: Any) -> dict[str, Any]:
        """What became of an incremental export."""
        window = {"ExportFromTime": since, "ExportToTime": until, **members}
        return self.exported(ExportType="INCREMENTAL_EXPORT", IncrementalExportSpecification=window)

    def read(self, name: str) -> bytes:
        return (self.directory / "bucket" / name).read_bytes()

    def lines(self, told: dict[str, Any]) -> list[bytes]:
        """What the data files of an export hold, whose manifests and checksums are all held against them."""
        assert told["ExportStatus"] == "COMPLETED", told
        summary = manifests.read_summary(
            self.read(told["ExportManifest"]), self.read(told["ExportManifest"].replace(".json", ".checksum"))
        )
        assert (summary.item_count, summary.billed_size_bytes) == (told["ItemCount"], told["BilledSizeBytes"])
        key = summary.manifest_files_s3_key
        found: list[bytes] = []
        for file in manifests.read_files(self.read(key), self.read(key.replace(".json", ".checksum"))):
            packed = self.read(file.data_file_s3_key)
            digest = md5(packed, usedforsecurity=False)
            assert file.md5_checksum == b64encode(digest.digest()).decode()
            lines = gzip.decompress(packed).splitlines()
            assert file.item_count == len(lines)
            found += lines
        assert len(found) == told["ItemCount"]
        return found

    def items(self, told: dict[str, Any]) -> list[Record]:
        return [orjson.loads(line)["Item"] for line in self.lines(told)]

    def records(self, told: dict[str, Any]) -> list[Record]:
        return [orjson.loads(line) for line in self.lines(told)]
