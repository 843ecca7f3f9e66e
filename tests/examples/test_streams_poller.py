"""The poller as it is meant to run: several processes on a real server whose shards roll and split; one is killed."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.pace import HANGS_SECONDS, until
from tests.ports import Port
from tests.process import ServerProcess

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "examples" / "streams" / "poller.py"
TABLE = "watched"
ITEMS = 20
SHARD_SECONDS = 2
LEASE_SECONDS = 1.5

Change = dict[str, Any]


class Output:
    """What workers printed, in the order in which they did: a file that all of them append to, a batch at once."""

    def __init__(self, directory: Path, name: str) -> None:
        self.path = directory / name
        self.path.touch()

    def changes(self) -> list[Change]:
        whole = self.path.read_text().rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    def versions(self) -> dict[str, list[int]]:
        """Of each item, each at its first appearance."""
        seen: dict[str, dict[int, None]] = {}
        for change in self.changes():
            seen.setdefault(change["keys"]["p"]["S"], {})[int(change["new"]["version"]["N"])] = None
        return {item: list(versions) for item, versions in seen.items()}

    def _count(self) -> int:
        return sum(map(len, self.versions().values()))

    def await_versions(self, versions: range) -> None:
        """Wait until all of these are there, of every item; they must be in order, and nothing else among them."""
        while (count := self._count()) < ITEMS * len(versions):
            until(lambda: self._count() > count, f"more of {versions}")
        assert self.versions() == {str(item): list(versions) for item in range(ITEMS)}


class Worker:
    """A poller process. It is killed with its context, if it still runs."""

    def __init__(self, url: str, name: str, output: Output) -> None:
        self._complaints = output.path.with_suffix(f".{name}")
        words = [TABLE, "--endpoint", url, "--worker", name, "--lease-seconds", str(LEASE_SECONDS)]
        with output.path.open("ab") as out, self._complaints.open("wb") as err:
            self._process = subprocess.Popen([sys.executable, str(PROGRAM), *words], stdout=out, stderr=err)

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """kill -9."""
        self._process.kill()
        self._process.wait(HANGS_SECONDS)

    def stop(self) -> None:
        """Ask it to end; it must do so without a complaint."""
        self._process.terminate()
        assert (self._process.wait(HANGS_SECONDS), self._complaints.read_text()) == (0, "")


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server with a table whose stream has two shards of two seconds each."""
    monkeypatch.setenv("STATORDB_STREAM_SHARDS", "2")
    monkeypatch.setenv("STATORDB_STREAM_SHARD_SECONDS", str(SHARD_SECONDS))
    with ServerProcess("--memory", "--workers", "1") as process:
        _create_table(process.url)
        yield process.url


def _create_table(url: str) -> None:
    boto3.client("dynamodb", endpoint_url=url).create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )


def _write(url: str, versions: range) -> None:
    """New versions of each item, spread over some seconds so that they fall into several generations of shards."""
    client = boto3.client("dynamodb", endpoint_url=url)
    for version in versions:
        for item in range(ITEMS):
            client.put_item(TableName=TABLE, Item={"p": {"S": str(item)}, "version": {"N": str(version)}})
        time.sleep(0.1)


def _owners(url: str) -> set[str]:
    """Who holds leases of shards that are not at their end."""
    items = boto3.client("dynamodb", endpoint_url=url).scan(TableName=f"{TABLE}-leases", ConsistentRead=True)["Items"]
    return {
        item["leaseOwner"]["S"] for item in items if "leaseOwner" in item and item["checkpoint"]["S"] != "SHARD_END"
    }


@pytest.mark.slow
def test_nothing_is_missed_over_a_kill_and_a_restart(url: str, tmp_path: Path) -> None:
    writer = threading.Thread(target=_write, args=(url, range(60)), daemon=True)
    output = Output(tmp_path, "first")
    with Worker(url, "one", output) as one, Worker(url, "two", output) as two:
        writer.start()
        until(lambda: len(output.changes()) > ITEMS and _owners(url) == {"one", "two"}, "both work")
        one.kill()
        writer.join()
        output.await_versions(range(60))
        two.stop()
    assert len({change["shard"] for change in output.changes()}) > 4  # rolled more than twice

    _write(url, range(60, 65))
    output = Output(tmp_path, "second")
    with Worker(url, "three", output) as three:
        output.await_versions(range(60, 65))  # it goes on where the others ended
        three.stop()


@pytest.mark.slow
def test_workers_share_and_hand_over(url: str, tmp_path: Path) -> None:
    output = Output(tmp_path, "all")
    with Worker(url, "one", output) as one:
        _write(url, range(3))
        output.await_versions(range(3))
        with Worker(url, "two", output) as two:
            until(lambda: _owners(url) == {"one", "two"}, "a share for two")
            one.stop()
            until(lambda: _owners(url) == {"two"}, "all for two")
            _write(url, range(3, 6))
            output.await_versions(range(6))
            two.stop()


@pytest.mark.slow
def test_a_server_that_is_killed_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes back with more shards, so that those that were open are split."""
    port = Port()
    arguments = ["--data", str(tmp_path / "data"), "--workers", "1", "--port", str(port.number)]
    output = Output(tmp_path, "all")
    with ServerProcess(*arguments) as server:
        _create_table(server.url)
    server = ServerProcess(*arguments)
    with Worker(server.url, "one", output):
        try:
            _write(server.url, range(3))
            until(lambda: bool(output.changes()), "it works")
        finally:
            server.kill()
        monkeypatch.setenv("STATORDB_STREAM_SHARDS", "3")
        with ServerProcess(*arguments) as server:
            _write(server.url, range(3, 10))
            output.await_versions(range(10))
    assert len({change["shard"] for change in output.changes()}) > 2
    port.close()
