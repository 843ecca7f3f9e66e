"""Two servers on one cluster keep to a table's rate together. In real time, so only in `make soak`."""

import os
import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.cassandra import patient
from tests.pace import PATIENT, SOAK
from tests.process import ServerProcess

from statordb.crypto.file_keys import FILE_NAME

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.environ.get(SOAK), reason="takes a minute of real time"),
]

RATE, BURST_SECONDS = 5, 300
KNOWN_SECONDS = 15.0  # that servers have to hear of each other, and make good what they took before
SECONDS = 20.0


@pytest.fixture
def urls(cassandra_hosts: tuple[str, ...], tmp_path: Path) -> Iterator[list[str]]:
    place = ["--engine", "cassandra", "--cassandra", ",".join(cassandra_hosts), "--datacenter", "dc1"]
    place += ["--keyspace", f"sd_throttling_{os.getpid()}_{secrets.token_hex(2)}"]
    started: list[ServerProcess] = []
    for number in range(2):
        directory = tmp_path / str(number)
        directory.mkdir()
        if number:
            shutil.copy(tmp_path / "0" / FILE_NAME, directory)
        words = ["--data", str(directory), "--workers", "1", "--no-functions", "--admin-port", "0", "--throttle", "on"]
        started.append(ServerProcess(*words, *place, command=patient.COMMAND))
    yield [process.url for process in started]
    for process in started:
        process.stop()


def client(url: str) -> Any:
    return boto3.client(
        "dynamodb",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="any",
        config=Config(retries={"total_max_attempts": 1}, **PATIENT),
    )


def test_two_servers_take_what_a_table_has_together(urls: list[str]) -> None:
    first = client(urls[0])
    first.create_table(
        TableName="shared",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": RATE},
    )
    for number, kilobytes in enumerate((390, 390, 390, RATE * BURST_SECONDS - 3 * 390 - 1)):
        item = {"p": {"S": f"large{number}"}, "t": {"S": "x" * (kilobytes * 1024 - 10)}}
        first.put_item(TableName="shared", Item=item)
    made: list[tuple[float, int]] = []  # when, and by which server
    end = time.monotonic() + KNOWN_SECONDS + SECONDS

    def write(server: int, number: int) -> None:
        mine = client(urls[server])
        while time.monotonic() < end:
            try:
                mine.put_item(TableName="shared", Item={"p": {"S": f"{server}/{number}"}})
                made.append((time.monotonic(), server))
            except ClientError as fault:
                assert fault.response["Error"]["Code"] == "ProvisionedThroughputExceededException"  # noqa: PT017
                time.sleep(0.05)

    threads = [threading.Thread(target=write, args=(server, number)) for server in range(2) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    late = [server for at, server in made if end - SECONDS <= at < end]
    assert len(late) == pytest.approx(RATE * SECONDS, rel=0.05)
    assert min(late.count(0), late.count(1)) >= RATE * SECONDS / 10
