"""A table that is imported in process, from buckets in a directory."""

import gzip
import time
from pathlib import Path
from typing import Any

import orjson
from tests.in_process import Api

from statordb.keeper.imports import Imports
from statordb.keeper.sources import Sources
from statordb.objects.directory import DirectoryObjects
from statordb.outbound.permissions import Permissions

TABLE: dict[str, Any] = {
    "TableName": "abc",
    "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
GLOBAL = {
    "IndexName": "ggg",
    "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "ALL"},
}
INDEXED: dict[str, Any] = {
    **TABLE,
    "AttributeDefinitions": [*TABLE["AttributeDefinitions"], {"AttributeName": "g", "AttributeType": "S"}],
    "GlobalSecondaryIndexes": [GLOBAL],
}


class Place:
    """Buckets below a directory, and the duty that imports from them."""

    def __init__(self, api: Api, directory: Path, allowed: tuple[str, ...] = ("any",)) -> None:
        self.api = api
        self.directory = directory / "buckets"
        self.logs = directory / "logs"
        (self.directory / "bucket").mkdir(parents=True)
        self.sources = Sources(DirectoryObjects(self.directory), Permissions(allowed).check)

    def duty(self) -> Imports:
        return Imports(self.api.store, self.sources, self.logs)

    def put(self, name: str, content: bytes) -> None:
        path = self.directory / "bucket" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def begin(self, table: dict[str, Any] = TABLE, prefix: str = "data/", **members: Any) -> str:
        """Ask for an import; its ARN."""
        request: dict[str, Any] = {
            "S3BucketSource": {"S3Bucket": "bucket", "S3KeyPrefix": prefix},
            "InputFormat": "DYNAMODB_JSON",
            "TableCreationParameters": table,
            **members,
        }
        arn: str = self.api("ImportTable", **request)["ImportTableDescription"]["ImportArn"]
        return arn

    def work(self, times: int = 10_000) -> None:
        """Have all be done that is asked for."""
        duty = self.duty()
        for _ in range(times):
            if not self.api.run(duty.run_once()):
                break
            time.sleep(0)
        self.api.run(duty.rest())

    def told(self, arn: str) -> dict[str, Any]:
        told: dict[str, Any] = self.api("DescribeImport", ImportArn=arn)["ImportTableDescription"]
        return told

    def imported(self, table: dict[str, Any] = TABLE, **members: Any) -> dict[str, Any]:
        """What became of an import."""
        arn = self.begin(table, **members)
        self.work()
        return self.told(arn)

    def log(self, arn: str) -> list[dict[str, Any]]:
        path = self.logs / "aws-dynamodb/imports" / arn.rpartition("/")[2] / "error"
        return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def item(p: object, **members: str) -> dict[str, Any]:
    return {"p": {"S": str(p)}, **{name: {"S": value} for name, value in members.items()}}


def lines(*items: dict[str, Any]) -> bytes:
    return b"".join(orjson.dumps({"Item": each}) + b"\n" for each in items)


def packed(*items: dict[str, Any]) -> bytes:
    return gzip.compress(lines(*items))


def rows(api: Api) -> int:
    """That the table has so far."""
    table = api.run(api.store.catalog.reload("000000000000", "us-east-1", "abc"))
    return 0 if table is None else int(api.run(table.usage()).rows)
