"""Imports by real servers: from a real S3 API, and over a kill."""

import time
from pathlib import Path
from typing import Any

import pytest
from tests.keeper.imported import INDEXED, TABLE, item, lines, packed
from tests.moto_server import REGION, MotoServer
from tests.pace import until
from tests.process import ServerProcess
from tests.raw import Connection

ITEMS = 20_000
CREDENTIALS = "[default]\naws_access_key_id = key\naws_secret_access_key = secret\n"

pytestmark = pytest.mark.slow


def begin(connection: Connection, table: dict[str, Any], **members: Any) -> dict[str, str]:
    source = {"S3Bucket": "bucket", "S3KeyPrefix": "data/"}
    given = {"S3BucketSource": source, "InputFormat": "DYNAMODB_JSON", "TableCreationParameters": table, **members}
    told = connection.ask("ImportTable", given)["ImportTableDescription"]
    return {"ImportArn": told["ImportArn"]}


def told(connection: Connection, at: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = connection.ask("DescribeImport", at)["ImportTableDescription"]
    return found


def is_over(connection: Connection, at: dict[str, str]) -> bool:
    return told(connection, at)["ImportStatus"] != "IN_PROGRESS"


def test_an_export_of_aws_in_s3_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its layout is the developer guide's, "DynamoDB table export output format": data/ is read, and only that."""
    moto = MotoServer()
    try:
        s3 = moto.client("s3")
        s3.create_bucket(Bucket="bucket")
        root = "exp/AWSDynamoDB/01693685827463-2d8752fd/"
        for name in ("manifest-summary.json", "manifest-files.json", "_started"):
            s3.put_object(Bucket="bucket", Key=root + name, Body=b"{}")
        for number in range(3):
            content = packed(*(item(number * 100 + at, g="x") for at in range(100)))
            s3.put_object(Bucket="bucket", Key=f"{root}data/asdl123dasas{number}.json.gz", Body=content)
        s3.create_bucket(Bucket="kept")
        file = tmp_path / "credentials"
        file.write_text(CREDENTIALS)
        monkeypatch.setenv("STATORDB_OBJECTS", f"s3://kept/one?endpoint={moto.url}&region={REGION}")
        monkeypatch.setenv("STATORDB_OBJECTS_CREDENTIALS", str(file))
        with ServerProcess("--data", str(tmp_path / "data"), "--no-functions") as server:
            connection = Connection(server.url)
            source = {"S3Bucket": "bucket", "S3KeyPrefix": root + "data/"}
            at = begin(connection, INDEXED, S3BucketSource=source, InputCompressionType="GZIP")
            until(lambda: is_over(connection, at), "it is imported")
            found = told(connection, at)
            assert (found["ImportStatus"], found["ImportedItemCount"]) == ("COMPLETED", 300)
            missing = {"S3Bucket": "missing"}
            at = begin(connection, {**TABLE, "TableName": "def"}, S3BucketSource=missing)
            until(lambda: is_over(connection, at), "it is refused")
            assert told(connection, at)["FailureCode"] == "S3NoSuchBucket"
    finally:
        moto.close()


def test_an_import_goes_on_when_the_server_is_killed(tmp_path: Path) -> None:
    folder = tmp_path / "objects" / "bucket" / "data"
    folder.mkdir(parents=True)
    for number in range(10):
        begun = number * ITEMS // 10
        (folder / f"{number}.json").write_bytes(
            lines(*(item(at, g=f"{at % 10}") for at in range(begun, begun + ITEMS // 10)))
        )
    words = ("--data", str(tmp_path), "--workers", "2", "--no-functions")
    server = ServerProcess(*words)
    try:
        at = begin(Connection(server.url), INDEXED)
        time.sleep(1.0)
    finally:
        server.kill()
    with ServerProcess(*words) as server:
        connection = Connection(server.url)
        until(lambda: is_over(connection, at), "it is imported")
        found = told(connection, at)
        assert (found["ImportStatus"], found["ImportedItemCount"]) == ("COMPLETED", ITEMS)
        table = connection.ask("DescribeTable", {"TableName": "abc"})["Table"]
        assert (table["ItemCount"], table["GlobalSecondaryIndexes"][0]["ItemCount"]) == (ITEMS, ITEMS)
