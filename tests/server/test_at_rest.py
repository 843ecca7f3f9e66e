"""Nothing of an item but its sort keys is readable in any file of a real server, alive, killed or started again."""

import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.pace import until
from tests.process import ServerProcess
from tests.triggers.deployment import REGION, client, deploy

pytestmark = pytest.mark.slow  # a real server

# It never prints or keeps what it is given, and never succeeds.
CODE = """
def handler(event, context):
    raise ValueError("no")
"""
MEMORY = Path("/dev/shm")


class Planted:
    """What is planted is random, so that it is found wherever it lies, among whatever else is there."""

    def __init__(self, place: Path) -> None:
        self.secret = f"planted{secrets.token_hex(8)}"  # in every value but those of sort keys
        self.sorted = f"sorted{secrets.token_hex(8)}"  # in those
        self.place = place

    def item(self, number: int, size: int = 0) -> dict[str, Any]:
        return {
            "p": {"S": f"{self.secret}-{number}"},
            "s": {"S": f"{self.sorted}-{number}"},
            f"{self.secret}name": {"M": {"deep": {"L": [{"S": self.secret}, {"B": self.secret.encode()}]}}},
            "large": {"S": self.secret * (size // len(self.secret))},
        }

    def found_in(self, paths: Iterator[Path]) -> list[str]:
        return [str(path) for path in paths if self.secret.encode() in _read(path)]

    def files(self) -> Iterator[Path]:
        """All that the server may have written: below the test's place, and in memory that is shared."""
        yield from (path for path in self.place.rglob("*") if path.is_file() and not path.is_symlink())
        if MEMORY.is_dir():
            for folder, _, names in os.walk(MEMORY):  # which bears that others' files go meanwhile
                yield from (path for path in map(Path(folder).joinpath, names) if path.is_file())

    def open_files(self, server: ServerProcess) -> Iterator[Path]:
        """What its processes have open, also without a name: deleted files, memory that is shared."""
        for pid in (server.pid, *server.descendants()):
            yield from (Path(f"/proc/{pid}/fd") / each for each in _listed(Path(f"/proc/{pid}/fd")))


def _listed(path: Path) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []  # it ended while we looked


def _read(path: Path) -> bytes:
    """The bytes of a regular file; b"" of what is none, is gone, or is somebody else's."""
    try:
        return path.read_bytes() if path.is_file() else b""
    except OSError:
        return b""


def write(planted: Planted, url: str) -> str:
    """By all ways in: small writes, those that a lane answers, transactions, statements; a stream, and a destination
    that takes nothing, keep what has changed. Returns the stream's ARN."""
    dynamodb = client("dynamodb", url)
    stream = dynamodb.create_table(
        TableName="planted",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("p", "s")],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]["LatestStreamArn"]
    kinesis = f"arn:aws:kinesis:{REGION}:000000000000:stream/somewhere"
    dynamodb.enable_kinesis_streaming_destination(TableName="planted", StreamArn=kinesis)
    for number in range(3):
        dynamodb.put_item(TableName="planted", Item=planted.item(number))
    many = [{"PutRequest": {"Item": planted.item(10 + number, 300_000)}} for number in range(20)]
    assert not dynamodb.batch_write_item(RequestItems={"planted": many})["UnprocessedItems"]
    dynamodb.transact_write_items(
        TransactItems=[{"Put": {"TableName": "planted", "Item": planted.item(100 + number)}} for number in range(3)],
        ClientRequestToken=planted.secret,
    )
    dynamodb.execute_statement(
        Statement=f"UPDATE planted SET added = '{planted.secret}' WHERE p = ? AND s = ?",
        Parameters=[planted.item(0)["p"], planted.item(0)["s"]],
    )
    dynamodb.delete_item(TableName="planted", Key={name: planted.item(1)[name] for name in ("p", "s")})
    return str(stream)


def fail(planted: Planted, url: str, stream: str, failed: Path) -> None:
    """Have a function fail on the records, which is told to a directory, and on an invocation, which waits for its next
    attempt then."""
    told = {"OnFailure": {"Destination": failed.as_uri()}}
    deploy(url, CODE, stream, MaximumRetryAttempts=0, DestinationConfig=told)
    payload = json.dumps({planted.secret: planted.secret})
    client("lambda", url).invoke(FunctionName="work", InvocationType="Event", Payload=payload)
    until(lambda: list(failed.glob("*.json")), "a record of what failed is written")


def test_no_file_has_what_was_planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = Planted(tmp_path)
    scratch, failed = tmp_path / "tmp", tmp_path / "failed"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    words = ("--data", str(tmp_path / "data"), "--workers", "2", "--request-log")
    server = ServerProcess(*words)
    try:
        fail(planted, server.url, write(planted, server.url), failed)
        assert planted.found_in(planted.open_files(server)) == []
    finally:
        server.kill()  # what waits to be invoked again, and all that a process leaves that ends so, is there still
    assert planted.secret not in server.logged()
    assert planted.sorted.encode() in _read(tmp_path / "data" / "data.mdb"), "the judge reads what was written"
    assert planted.found_in(planted.files()) == []
    with ServerProcess(*words) as server:
        key = {name: planted.item(0)[name] for name in ("p", "s")}
        found = client("dynamodb", server.url).get_item(TableName="planted", Key=key)["Item"]
        assert found["added"] == {"S": planted.secret}
        assert planted.found_in(planted.open_files(server)) == []
    assert planted.found_in(planted.files()) == []
