"""What a reader of a stream meets in a day: iterators that expire, records that are trimmed, shards that are gone.

The clock is moved by hand, so boto3's client is stood in for: its calls go to a server in this process.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.in_process import Api, Fault

sys.path.append(str(Path(__file__).resolve().parents[2] / "examples" / "streams"))

from leases import SHARD_END, TRIM_HORIZON, LeaseTable
from poller import Poller
from shards import Batch, Record, ShardReader, list_shards

TABLE = "watched"
HOUR = 3600.0


EXCEPTIONS = {
    name: type(name, (ClientError,), {})
    for name in ("ExpiredIteratorException", "TrimmedDataAccessException", "ResourceNotFoundException")
}


class Client:
    """boto3's methods, paginators and exceptions, as far as the example needs them, over `Api`."""

    exceptions = SimpleNamespace(**EXCEPTIONS)

    def __init__(self, api: Api) -> None:
        self._api = api

    def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
        operation = "".join(part.capitalize() for part in name.split("_"))

        def call(**request: Any) -> dict[str, Any]:
            try:
                return self._api(operation, **request)
            except Fault as fault:
                code = fault.code.rpartition("#")[2]
                made = EXCEPTIONS.get(code, ClientError)
                raise made({"Error": {"Code": code, "Message": fault.message}}, operation) from fault

        return call

    def get_paginator(self, name: str) -> SimpleNamespace:
        """Of one page, which is all that a small table has."""
        return SimpleNamespace(paginate=lambda **request: [getattr(self, name)(**request)])


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    made = Api(tmp_path)
    yield made
    made.close()


def create_table(api: Api, name: str, key: str, **more: Any) -> dict[str, Any]:
    answer = api(
        "CreateTable",
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
        **more,
    )
    return dict(answer["TableDescription"])


@pytest.fixture
def stream(api: Api) -> str:
    specification = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    return str(create_table(api, TABLE, "p", StreamSpecification=specification)["LatestStreamArn"])


@pytest.fixture
def leases(api: Api) -> LeaseTable:
    create_table(api, "leases", "leaseKey")
    return LeaseTable(Client(api), "leases")


class Worker:
    """A poller and what it processed. Its leases run out at once, so that each turn looks at all of them."""

    def __init__(self, api: Api, stream: str, leases: LeaseTable, name: str, lease_seconds: float = 0.0) -> None:
        self.done: list[str] = []
        self.fails = False
        self._poller = Poller(Client(api), stream, leases, name, self._process, lease_seconds)

    def _process(self, shard: str, records: list[Record]) -> None:
        if self.fails:
            raise ConnectionError
        self.done += names(records)

    def turn(self, times: int = 1) -> list[str]:
        """What was processed, by all turns up to now."""
        for _ in range(times):
            self._poller.turn()
        return self.done

    def close(self) -> None:
        self._poller.close()


def roll(api: Api) -> None:
    """The open shard is closed, and its child goes on."""
    api.clock.advance(5 * HOUR)
    api.keep()


def lose_the_first_shard(api: Api) -> None:
    """It rolls, is trimmed a day later, and then forgotten. Its child gets a record, "b", that is kept."""
    roll(api)
    api.clock.advance(20 * HOUR)
    put(api, "b")
    for _ in range(2):
        roll(api)


def put(api: Api, *names: str) -> None:
    for name in names:
        api("PutItem", TableName=TABLE, Item={"p": {"S": name}})


def reader_of(api: Api, stream: str, checkpoint: str = TRIM_HORIZON) -> ShardReader:
    """Of the oldest shard."""
    client = Client(api)
    return ShardReader(client, stream, next(iter(list_shards(client, stream))), checkpoint)


def names(records: list[Record]) -> list[str]:
    return [record["dynamodb"]["Keys"]["p"]["S"] for record in records]


def test_reads_each_record_once_and_says_where_it_is(api: Api, stream: str) -> None:
    put(api, "a", "b", "c")
    reader = reader_of(api, stream)
    first, second, third = reader.read(2), reader.read(2), reader.read(2)
    assert (names(first.records), names(second.records), third.records) == (["a", "b"], ["c"], [])
    assert first.position == first.records[-1]["dynamodb"]["SequenceNumber"]
    assert third.position is None


def test_goes_on_behind_a_checkpoint(api: Api, stream: str) -> None:
    put(api, "a", "b", "c")
    position = reader_of(api, stream).read(2).position
    assert position is not None
    assert names(reader_of(api, stream, position).read(10).records) == ["c"]


def test_an_expired_iterator_is_replaced_where_it_was(api: Api, stream: str) -> None:
    put(api, "a", "b")
    reader = reader_of(api, stream)
    assert names(reader.read(1).records) == ["a"]
    api.clock.advance(HOUR / 4 + 1)
    assert reader.read(1).records == []
    assert names(reader.read(1).records) == ["b"]


def test_what_is_trimmed_is_told_and_passed_over(api: Api, stream: str, capsys: pytest.CaptureFixture[str]) -> None:
    put(api, "a", "b")
    position = reader_of(api, stream).read(1).position
    assert position is not None
    api.clock.advance(25 * HOUR)
    api.keep()
    put(api, "c")
    reader = reader_of(api, stream, position)
    assert reader.read(10).records == []
    assert "are gone" in capsys.readouterr().err
    assert reader.read(10) == Batch([], SHARD_END)


def test_a_closed_shard_ends(api: Api, stream: str) -> None:
    put(api, "a")
    reader = reader_of(api, stream)
    api("UpdateTable", TableName=TABLE, StreamSpecification={"StreamEnabled": False})
    batches = [reader.read(10) for _ in range(2)]
    assert names([record for batch in batches for record in batch.records]) == ["a"]
    assert batches[-1].position == SHARD_END


def test_a_shard_that_is_gone_is_at_its_end(api: Api, stream: str) -> None:
    gone = ShardReader(Client(api), stream, "shardId-00000000000000000000-00000000", TRIM_HORIZON)
    assert gone.read(10).position == SHARD_END


def test_shards_are_listed_with_their_parents(api: Api, stream: str) -> None:
    put(api, "a")
    roll(api)
    (parent, none), (_, its_parent) = list_shards(Client(api), stream).items()
    assert (none, its_parent) == (None, parent)


def test_parents_come_before_children(api: Api, stream: str, leases: LeaseTable) -> None:
    for name in "abc":
        put(api, name)
        roll(api)
    worker = Worker(api, stream, leases, "one")
    assert worker.turn() == ["a"]  # all four have a lease by now, and three must wait
    assert worker.turn(6) == ["a", "b", "c"]
    ended = [lease.ended for lease in sorted(leases.all().values(), key=lambda lease: lease.shard)]
    assert ended == [True, True, True, False]


def test_a_shard_whose_parent_is_gone_is_read(api: Api, stream: str, leases: LeaseTable) -> None:
    put(api, "a")
    lose_the_first_shard(api)
    parents = list(list_shards(Client(api), stream).values())
    assert parents[0] is not None, "the first shard should be gone"
    assert Worker(api, stream, leases, "one").turn(4) == ["b"]


def test_a_shard_does_not_wait_for_a_parent_that_went_unread(api: Api, stream: str, leases: LeaseTable) -> None:
    put(api, "a")
    worker = Worker(api, stream, leases, "one")
    worker.fails = True
    with pytest.raises(ConnectionError):
        worker.turn()
    worker.fails = False
    lose_the_first_shard(api)
    assert worker.turn(4) == ["b"]
    assert leases.all().keys() == list_shards(Client(api), stream).keys()  # that of the lost shard is removed


def test_what_could_not_be_processed_comes_again(api: Api, stream: str, leases: LeaseTable) -> None:
    put(api, "a", "b")
    worker = Worker(api, stream, leases, "one")
    worker.fails = True
    with pytest.raises(ConnectionError):
        worker.turn()
    worker.fails = False
    assert worker.turn() == ["a", "b"]


def test_a_worker_that_lost_its_lease_leaves_the_shard_alone(api: Api, stream: str, leases: LeaseTable) -> None:
    put(api, "a")
    slow = Worker(api, stream, leases, "slow", lease_seconds=100.0)
    assert slow.turn() == ["a"]
    other = Worker(api, stream, leases, "other")
    assert other.turn(2) == []  # the first look tells it the counter, the second that it stands still
    put(api, "b")
    assert other.turn() == ["b"]
    assert slow.turn(2) == ["a", "b"]  # at least once: it had not yet heard
    put(api, "c")
    assert (slow.turn(2), other.turn()) == (["a", "b"], ["b", "c"])


def test_leases_that_are_given_back_go_on_elsewhere(api: Api, stream: str, leases: LeaseTable) -> None:
    put(api, "a")
    one = Worker(api, stream, leases, "one", lease_seconds=100.0)
    assert one.turn() == ["a"]
    one.close()
    put(api, "b")
    assert Worker(api, stream, leases, "two", lease_seconds=100.0).turn() == ["b"]
