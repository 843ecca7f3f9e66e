"""The Kinesis Client Library, by the adapter of AWS: it reads all, parents before children, and goes on later."""

import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.consumers.lineage import describe, streams_client
from tests.consumers.writers import TABLE, tables_client
from tests.outlived import Outlived
from tests.pace import HANGS_SECONDS, until
from tests.process import ServerProcess

TOOLS = Path(__file__).parents[2] / ".tools" / "kcl"
ITEMS = 20
NOWHERE = "arn:aws:kinesis:us-east-1:000000000000:stream/nowhere"
ROLLED_MIN = 4  # shards that have a parent: two generations behind the first. The library takes its time for each

FAULT = "operation failed unexpectedly"  # logged by a server that has to answer with a 500

Line = list[str]  # what Worker.java wrote, in words


class Worker:
    """A process of Worker.java, and what it told so far. It is killed with its context, if it still runs."""

    def __init__(self, url: str, stream: str, name: str) -> None:
        self.lines: list[Line] = []
        self.complaints = ""
        classes = f"{TOOLS / 'classes'}{os.pathsep}{TOOLS / 'lib'}{os.sep}*"
        words = ["java", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", classes, "Worker"]
        self._process = subprocess.Popen(
            [*words, url, stream, "kcl", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "AWS_REGION": "us-east-1"},
        )
        self._watch = Outlived(self._process.pid)
        self._threads = [threading.Thread(target=read, daemon=True) for read in (self._collect, self._listen)]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._end()

    def _collect(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self.lines.append(line.split())

    def _listen(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            for line in lines:
                self.complaints += line

    def stop(self) -> None:
        """Let it end in order. What it complains of proves nothing: on a slow machine it loses leases to nobody, and
        calls that an error."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._end()
        assert self._process.returncode == 0, self.complaints

    def _end(self) -> None:
        self._process.wait(HANGS_SECONDS)
        for thread in self._threads:
            thread.join(HANGS_SECONDS)

    @property
    def lives(self) -> bool:
        return self._process.poll() is None

    def versions(self) -> dict[str, list[int]]:
        """Of each item, each at its first appearance."""
        seen: dict[str, dict[int, None]] = {}
        for words in list(self.lines):
            if words[0] == "record":
                seen.setdefault(words[3], {})[int(words[4])] = None
        return {item: list(versions) for item, versions in seen.items()}


def _create_table(url: str) -> str:
    client = tables_client(url)
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    return str(client.describe_table(TableName=TABLE)["Table"]["LatestStreamArn"])


def _write(url: str, versions: range) -> None:
    """New versions of each item."""
    client = tables_client(url)
    for version in versions:
        for item in range(ITEMS):
            client.put_item(TableName=TABLE, Item={"p": {"S": str(item)}, "version": {"N": str(version)}})


def _rolled(url: str, stream: str) -> int:
    """How many shards have a parent."""
    return sum(shard.parent is not None for shard in describe(streams_client(url), stream)[1])


def _roll(url: str, stream: str) -> None:
    """Have the open shards replaced, which is done for another reader of the table's changes, whoever that is."""
    before = _rolled(url, stream)
    tables_client(url).enable_kinesis_streaming_destination(TableName=TABLE, StreamArn=NOWHERE)
    until(lambda: _rolled(url, stream) > before, "the shards are replaced")


def _wait(condition: Callable[[], bool], worker: Worker, what: str) -> None:
    """As long as the worker goes on: it takes its time for each generation of shards."""
    while not condition():
        read = len(worker.lines)
        until(lambda: condition() or len(worker.lines) > read or not worker.lives, what)  # noqa: B023
        assert condition() or worker.lives, f"{what}\n{worker.complaints}"


def _expected(versions: range) -> dict[str, list[int]]:
    return {str(item): list(versions) for item in range(ITEMS)}


def _went_on(versions: dict[str, list[int]], since: int, end: int) -> bool:
    """Whether every version of each item came up to `end`, from `since` on, or from a little before: of a lease that
    was lost in between, what followed the last checkpoint is read again."""
    return len(versions) == ITEMS and all(
        0 < found[0] <= since and found == list(range(found[0], end)) for found in versions.values()
    )


def _check_lineage(lines: list[Line], parents: dict[str, str | None]) -> None:
    """A shard is begun when its parent has ended; its records come in order, and none before or behind."""
    open_now: dict[str, int] = {}
    ended: set[str] = set()
    for event, shard, *rest in lines:
        if event == "begin":
            assert parents[shard] is None or parents[shard] in ended, f"{shard} was begun before its parent's end"
            open_now[shard] = 0
        elif event == "record":
            assert int(rest[0]) > open_now[shard]
            open_now[shard] = int(rest[0])
        elif event == "end":
            del open_now[shard]
            ended.add(shard)


@pytest.mark.slow
def test_the_kinesis_client_library_reads_a_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (TOOLS / ".installed").exists(), "run `make tools` first"
    arguments = ["--data", str(tmp_path), "--workers", "1"]
    monkeypatch.setenv("STATORDB_KINESIS_ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setenv("STATORDB_STREAM_SHARDS", "2")
    monkeypatch.setenv("STATORDB_STREAM_SHARD_SECONDS", "1")
    with ServerProcess(*arguments) as server:
        stream = _create_table(server.url)
        for first in (0, 10):
            _write(server.url, range(first, first + 10))
            until(lambda: _rolled(server.url, stream) >= ROLLED_MIN, "shards roll")
    monkeypatch.delenv("STATORDB_STREAM_SHARD_SECONDS")  # else they would faster than a slow library reads them
    with ServerProcess(*arguments) as server, Worker(server.url, stream, "one") as one:
        _write(server.url, range(20, 30))
        _wait(lambda: one.versions() == _expected(range(30)), one, "what was there, and what comes")
        _roll(server.url, stream)
        _write(server.url, range(30, 50))
        _wait(lambda: one.versions() == _expected(range(50)), one, "every record in order")
        one.stop()
        assert FAULT not in server.logged()
    monkeypatch.setenv("STATORDB_STREAM_SHARDS", "4")  # the server comes back, and splits its shards
    with ServerProcess(*arguments) as server:
        _write(server.url, range(50, 70))
        with Worker(server.url, stream, "one") as two:
            _wait(lambda: _went_on(two.versions(), 50, 70), two, "what came since, and not all that came before")
            two.stop()
        assert FAULT not in server.logged()
        _, shards = describe(streams_client(server.url), stream)
    parents = {shard.id: shard.parent for shard in shards}
    assert max(list(parents.values()).count(parent) for parent in parents.values() if parent) > 1  # one was split
    _check_lineage([*one.lines, *two.lines], parents)
    assert sum(event == "end" for event, *_ in one.lines) >= 2 * 2
