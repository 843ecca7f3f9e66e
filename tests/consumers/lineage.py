"""A reader of a whole stream, as plain as can be: a thread for each shard, parents to their end before children."""

import threading
import time
from typing import Any, NamedTuple

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from tests.pace import PATIENT, until

Record = dict[str, Any]

DISCOVERY_SECONDS = 0.1
IDLE_SECONDS = 0.02
AWAY_SECONDS = 0.1  # how long to wait for a server that is not there
BATCH = 100  # fewer than a shard has, so that shards are read in many pages


class Shard(NamedTuple):
    """A shard as DescribeStream tells of it: its sequence numbers, from and to; the latter None while it is open."""

    id: str
    parent: str | None
    start: int
    end: int | None


def streams_client(url: str) -> Any:
    """A boto3 client that tries nothing again by itself, and may be used by many threads."""
    config = Config(retries={"total_max_attempts": 1}, **PATIENT, max_pool_connections=50)
    return boto3.client("dynamodbstreams", endpoint_url=url, config=config)


def describe(client: Any, stream: str) -> tuple[str, list[Shard]]:
    """Status and all shards of a stream, page by page."""
    request: dict[str, Any] = {"StreamArn": stream, "Limit": 3}  # small, so that there are pages
    shards: list[Shard] = []
    while True:
        found = client.describe_stream(**request)["StreamDescription"]
        for each in found["Shards"]:
            numbers = {name: int(number) for name, number in each["SequenceNumberRange"].items()}
            start, end = numbers["StartingSequenceNumber"], numbers.get("EndingSequenceNumber")
            shards.append(Shard(each["ShardId"], each.get("ParentShardId"), start, end))
        if "LastEvaluatedShardId" not in found:
            return found["StreamStatus"], shards
        request["ExclusiveStartShardId"] = found["LastEvaluatedShardId"]


class Reader:
    """Reads every shard from its trim horizon, until the stream is disabled and all are read.

    `records` by shard, in the order in which they came; shards are in the order in which they were begun. A server that
    goes away is waited for, and reading goes on with the iterator of before.
    """

    def __init__(self, url: str, stream: str) -> None:
        self.records: dict[str, list[Record]] = {}
        self.failure: BaseException | None = None
        self._client = streams_client(url)
        self._stream = stream
        self._ended: set[str] = set()
        self._threads = [threading.Thread(target=self._guard, args=(self._discover,), daemon=True)]
        self._threads[0].start()

    def join(self) -> None:
        """Wait until all is read, as long as it gets on; raises what went wrong meanwhile."""
        while self._threads[0].is_alive():
            there = self._read_so_far()
            until(lambda: not self._threads[0].is_alive() or self._read_so_far() != there, "more is read")  # noqa: B023
        if self.failure is not None:
            raise self.failure

    def _read_so_far(self) -> tuple[int, int]:
        return sum(len(records) for records in list(self.records.values())), len(self._ended)

    def _guard(self, target: Any, *arguments: str) -> None:
        try:
            target(*arguments)
        except BaseException as error:
            self.failure = error

    def _discover(self) -> None:
        """Begin each shard whose parent is read to its end, or is gone."""
        while self.failure is None:
            status, shards = self._insist(describe, self._client, self._stream)
            listed = {shard.id for shard in shards}
            for shard in shards:
                if shard.id not in self.records and (shard.parent not in listed or shard.parent in self._ended):
                    self.records[shard.id] = []
                    thread = threading.Thread(target=self._guard, args=(self._read, shard.id), daemon=True)
                    thread.start()
            if status == "DISABLED" and listed <= self._ended:
                return
            time.sleep(DISCOVERY_SECONDS)

    def _read(self, shard: str) -> None:
        answer = self._insist(
            self._client.get_shard_iterator, StreamArn=self._stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
        )
        iterator = answer["ShardIterator"]
        while iterator is not None and self.failure is None:
            answer = self._insist(self._client.get_records, ShardIterator=iterator, Limit=BATCH)
            self.records[shard] += answer["Records"]
            iterator = answer.get("NextShardIterator")
            if not answer["Records"]:
                time.sleep(IDLE_SECONDS)
        self._ended.add(shard)

    def _insist(self, call: Any, *arguments: Any, **request: Any) -> Any:
        """The answer of a call, made again while nobody answers."""
        while True:
            try:
                return call(*arguments, **request)
            except ClientError:
                raise
            except BotoCoreError:  # the connection was refused, cut or silent
                time.sleep(AWAY_SECONDS)
