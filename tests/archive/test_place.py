"""Backups lie where the setting says, and while that place is away nothing else stops."""

from pathlib import Path

import pytest
from tests.archive.judge import SOURCE, active, fill, scan
from tests.moto_server import REGION, MotoServer
from tests.pace import until
from tests.process import ServerProcess
from tests.raw import Connection

ITEMS = 300
CREDENTIALS = "[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = secret\n"


@pytest.mark.slow
def test_backups_are_in_s3_and_outlive_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, data = tmp_path / "credentials", tmp_path / "data"
    file.write_text(CREDENTIALS)
    moto = MotoServer()
    try:
        moto.client("s3").create_bucket(Bucket="kept")
        monkeypatch.setenv("STATORDB_OBJECTS", f"s3://kept/one?endpoint={moto.url}&region={REGION}")
        monkeypatch.setenv("STATORDB_OBJECTS_CREDENTIALS", str(file))
        with _server(data) as server:
            connection = Connection(server.url)
            fill(connection, ITEMS)
            arn = _backup(connection)
            until(lambda: _status(connection, arn) == "AVAILABLE", "the backup is whole")
        names = [each["Key"] for each in moto.client("s3").list_objects_v2(Bucket="kept")["Contents"]]
        assert names
        assert all(name.startswith("one/") for name in names)
        assert not (data / "objects").exists()
        with _server(data) as server:
            connection = Connection(server.url)
            connection.ask("RestoreTableFromBackup", {"TargetTableName": "again", "BackupArn": arn})
            active(connection, "again")
            assert len(scan(connection, "again")) == ITEMS
            moto.close()
            waiting = _backup(connection)
            connection.ask("PutItem", {"TableName": SOURCE, "Item": {"p": {"S": "new"}, "s": {"S": "x"}}})
            until(lambda: "objects.faults.Away" in server.logged(), "it is told that the place is away")
            assert _status(connection, waiting) == "CREATING"
            assert len(scan(connection, SOURCE)) == ITEMS + 1
    finally:
        moto.close()


def _server(directory: Path) -> ServerProcess:
    return ServerProcess("--data", str(directory), "--workers", "1", "--no-functions")


def _backup(connection: Connection) -> str:
    reply = connection.ask("CreateBackup", {"TableName": SOURCE, "BackupName": "bbb"})
    arn: str = reply["BackupDetails"]["BackupArn"]
    return arn


def _status(connection: Connection, arn: str) -> str:
    told = connection.ask("DescribeBackup", {"BackupArn": arn})["BackupDescription"]["BackupDetails"]["BackupStatus"]
    return str(told)
