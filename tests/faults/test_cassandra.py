"""Faults of servers and nodes of a cluster: nothing acknowledged is lost, doubled, torn or out of order."""

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import urlopen

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.faults.accounts import Accounts
from tests.faults.appends import Appends
from tests.faults.availability import Availability
from tests.faults.counters import Counters
from tests.faults.ledger import Ledger
from tests.faults.registers import Registers
from tests.faults.scaled import Scaled
from tests.faults.trial import run
from tests.faults.workload import Workload
from tests.faults.wrong_clock import Offset
from tests.pace import much, until

if TYPE_CHECKING:
    from tests.cassandra.cluster.cluster import Cluster

DONE_MIN = much(10, 60)  # between two faults: fewer of any kind would prove nothing

AHEAD_SECONDS = 1.6  # of the 2 that are allowed
TOO_FAR_SECONDS = 4.0

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]


@pytest.fixture(scope="module")
def scaled(own_cassandra: "Cluster", tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scaled]:
    made = Scaled(own_cassandra, tmp_path_factory.mktemp("faults"))
    yield made
    own_cassandra.start()
    made.close()


FAULTS = [
    "server killed",
    "node killed, server killed",
    "node paused",
    "server paused",
    "server cut from the nodes",
    "all nodes killed",
]
# All in one history, since what one leaves behind may be what the next one meets; and each by itself, in long ones.
HISTORIES = much([FAULTS], [FAULTS, *([fault] for fault in FAULTS), ["node killed"]])
NODES_DOWN = ["node killed"] * much(1, 2)


def work() -> list[Workload]:
    return [Counters(), Accounts(), Appends(), Ledger(), Registers()]


@pytest.mark.parametrize("faults", HISTORIES, ids="; ".join)
def test_no_promise_is_broken(scaled: Scaled, faults: list[str]) -> None:
    assert run(scaled, work(), faults, random.randrange(2**32), DONE_MIN) == []


@pytest.fixture(scope="module")
def askew(own_cassandra: "Cluster", tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scaled]:
    """Servers whose clocks are as far apart as they may be for each node's to be within its bound of both."""
    made = Scaled(own_cassandra, tmp_path_factory.mktemp("askew"), (AHEAD_SECONDS, -AHEAD_SECONDS))
    yield made
    made.close()


def test_no_promise_is_broken_by_clocks_that_are_wrong(askew: Scaled) -> None:
    """And are set, back as well as forth, while a server is slow, or taken for dead, or begins with a wrong one."""
    faults = ["clock set", "server slow", "clock set", "server killed"]
    assert run(askew, work(), faults, random.randrange(2**32), DONE_MIN) == []


def dynamodb(url: str) -> Any:
    """A client that does not try again."""
    return boto3.client(
        "dynamodb",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}),
    )


@pytest.mark.parametrize("ahead", [TOO_FAR_SECONDS, -TOO_FAR_SECONDS])
def test_a_server_whose_clock_is_too_wrong_does_not_start(askew: Scaled, tmp_path: Path, ahead: float) -> None:
    with pytest.raises(RuntimeError, match="s off this machine"):
        askew.server(tmp_path, Offset(tmp_path / "offset", ahead))


def test_a_server_whose_clock_goes_wrong_takes_no_writes_until_it_is_right(askew: Scaled) -> None:
    server = askew.servers[0]
    client = dynamodb(server.url)
    schema = [{"AttributeName": "p", "KeyType": "HASH"}]
    types = [{"AttributeName": "p", "AttributeType": "S"}]
    client.create_table(TableName="clocks", KeySchema=schema, AttributeDefinitions=types, BillingMode="PAY_PER_REQUEST")

    def put() -> int:
        try:
            answer: dict[str, Any] = client.put_item(TableName="clocks", Item={"p": {"S": "a"}})
        except ClientError as fault:
            answer = fault.response
        status: int = answer["ResponseMetadata"]["HTTPStatusCode"]
        return status

    def ready() -> int:
        (admin,) = set(re.findall(r"admin_url[^h]*(http://[0-9.:]+)", server.process.logged()))
        try:
            with urlopen(f"{admin}/readyz") as answer:
                return int(answer.status)
        except HTTPError as fault:
            return fault.code

    assert put() == 200
    askew.set_clock(0, 2 * TOO_FAR_SECONDS)
    assert put() == 500
    assert client.get_item(TableName="clocks", Key={"p": {"S": "a"}})["Item"] == {"p": {"S": "a"}}
    until(lambda: ready() == 503, "readyz tells")
    askew.set_clock(0, AHEAD_SECONDS)
    until(lambda: put() == 200, "a write")
    until(lambda: ready() == 200, "readyz tells")


def test_nobody_sees_that_a_node_is_down(scaled: Scaled) -> None:
    assert run(scaled, [Availability()], NODES_DOWN, random.randrange(2**32), DONE_MIN) == []
