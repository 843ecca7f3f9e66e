"""A server of two workers that limits throughput, and boto3 before it."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.pace import much
from tests.process import ServerProcess

pytestmark = pytest.mark.slow

WRITES = much(20, 100)
CLIENTS = 6  # connections, of which each worker takes a part
RATE, BURST_SECONDS = 5, 300


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with ServerProcess("--memory", "--workers", "2", "--throttle", "on", "--no-functions") as process:
        yield process.url


def client(url: str, mode: str = "standard", attempts: int = 1) -> Any:
    retries = {"mode": mode, "total_max_attempts": attempts}
    return boto3.client(
        "dynamodb",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="any",
        config=Config(retries=retries),
    )


def create(asked: Any, name: str, **more: Any) -> None:
    asked.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        **more,
    )


def test_the_workers_take_what_a_table_has_together(url: str) -> None:
    """The burst is spent by large items; then there are five units a second, whoever is asked."""
    asked = client(url)
    create(asked, "shared", ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": RATE})
    began = time.monotonic()
    for number, kilobytes in enumerate((390, 390, 390, RATE * BURST_SECONDS - 3 * 390 - 1)):
        item = {"p": {"S": f"large{number}"}, "t": {"S": "x" * (kilobytes * 1024 - 10)}}
        asked.put_item(TableName="shared", Item=item)
    made = [0] * CLIENTS
    refused: list[ClientError] = []

    def write(number: int) -> None:
        mine = client(url)
        while sum(made) < WRITES or not refused:
            try:
                mine.put_item(TableName="shared", Item={"p": {"S": f"{number}"}})
                made[number] += 1
            except ClientError as fault:
                refused.append(fault)
                time.sleep(0.02)

    _together(write)
    earned = 1 + RATE * (time.monotonic() - began)
    # A slow machine may leave some for later. A worker that went by itself would have a burst of 1,500 more.
    assert earned / 2 < sum(made) < earned + 2 + CLIENTS
    (code,) = {fault.response["Error"]["Code"] for fault in refused}
    assert code == "ProvisionedThroughputExceededException"
    reasons: Any = refused[0].response
    assert reasons["ThrottlingReasons"] == [
        {
            "reason": "TableWriteProvisionedThroughputExceeded",
            "resource": "arn:aws:dynamodb:us-east-1:000000000000:table/shared",
        }
    ]


def _together(write: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=write, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("mode", ["standard", "adaptive"])
def test_boto3_tries_again_until_all_is_written(url: str, mode: str) -> None:
    asked = client(url, mode, attempts=12)
    name = f"retried-{mode}"
    maxima = {"MaxReadRequestUnits": 100, "MaxWriteRequestUnits": 20}
    create(asked, name, BillingMode="PAY_PER_REQUEST", OnDemandThroughput=maxima)
    attempts = 0
    for number in range(4):  # each takes what there is for a second, which a slow machine does not take for it
        done = asked.put_item(TableName=name, Item={"p": {"S": f"{number}"}, "t": {"S": "x" * (20 * 1024 - 10)}})
        attempts += done["ResponseMetadata"]["RetryAttempts"]
    assert attempts > 0
    assert asked.scan(TableName=name, ConsistentRead=True)["Count"] == 4


def test_the_batch_writer_writes_what_was_not_processed(url: str) -> None:
    asked = client(url, attempts=12)
    maxima = {"MaxReadRequestUnits": 100, "MaxWriteRequestUnits": 20}
    create(asked, "batched", BillingMode="PAY_PER_REQUEST", OnDemandThroughput=maxima)
    table = boto3.resource(
        "dynamodb",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="any",
        config=Config(retries={"mode": "standard", "total_max_attempts": 12}),
    ).Table("batched")
    with table.batch_writer() as batch:
        for number in range(60):
            batch.put_item(Item={"p": f"{number}"})
    assert asked.scan(TableName="batched", ConsistentRead=True)["Count"] == 60
