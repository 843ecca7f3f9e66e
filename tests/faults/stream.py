"""A reader of a whole stream over servers that come and go: every shard from its beginning, parents before children."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from tests.faults.session import Session
from tests.raw import Shape

IDLE_SECONDS = 0.05
Records = dict[str, list[Shape]]  # by shard, in the order in which they came; parents before their children


class StreamReader(threading.Thread):
    """Reads until the stream is disabled and all its shards are read to their end. `records` may be read then."""

    def __init__(self, endpoints: Sequence[str], stream: str, number: int = 0) -> None:
        super().__init__(daemon=True)
        self.records: Records = {}
        self._session = Session(endpoints, number)
        self._stream = stream
        self._iterators: dict[str, str] = {}  # of the shards that are being read
        self._failure: BaseException | None = None
        self.start()

    def finish(self, seconds: float) -> Records:
        """All records; raises what went wrong, or AssertionError when it takes too long."""
        self.join(seconds)
        if self._failure is not None:
            raise self._failure
        assert not self.is_alive(), f"after {seconds} s shards are still open: {list(self._iterators)}"
        return self.records

    def run(self) -> None:
        try:
            while not self._discover():
                came = [self._advance(shard) for shard in list(self._iterators)]
                if not any(came):
                    time.sleep(IDLE_SECONDS)
        except BaseException as error:
            self._failure = error

    def _discover(self) -> bool:
        """Begin each shard whose parent is read to its end; whether there is nothing left, and never will be."""
        shards: list[Shape] = []
        request: Shape = {"StreamArn": self._stream}
        while True:
            described = self._session.insist("DescribeStream", request)["StreamDescription"]
            shards += described["Shards"]
            if "LastEvaluatedShardId" not in described:
                break
            request["ExclusiveStartShardId"] = described["LastEvaluatedShardId"]
        listed = {shard["ShardId"] for shard in shards}
        for shard in shards:
            parent = shard.get("ParentShardId")
            if shard["ShardId"] not in self.records and (parent not in listed or self._has_read(parent)):
                self._begin(shard["ShardId"])
        return described["StreamStatus"] == "DISABLED" and all(map(self._has_read, listed))

    def _has_read(self, shard: str | None) -> bool:
        return shard in self.records and shard not in self._iterators

    def _begin(self, shard: str) -> None:
        request = {"StreamArn": self._stream, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
        self._iterators[shard] = self._session.insist("GetShardIterator", request)["ShardIterator"]
        self.records[shard] = []

    def _advance(self, shard: str) -> bool:
        """Read one page; whether there was anything on it."""
        reply = self._session.insist("GetRecords", {"ShardIterator": self._iterators.pop(shard), "Limit": 100})
        self.records[shard] += reply["Records"]
        if reply.get("NextShardIterator") is not None:
            self._iterators[shard] = reply["NextShardIterator"]
        return bool(reply["Records"])


def violations(records: Records, stored: Mapping[str, Shape]) -> Iterator[str]:
    """What a stream of both images tells otherwise than once, in order, up to the items `stored`, by their key `p`."""
    events: set[str] = set()
    told: dict[str, list[Shape]] = {}
    for shard, page in records.items():
        numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in page]
        if any(later <= earlier for earlier, later in pairwise(numbers)):
            yield f"{shard}: sequence numbers do not grow"
        for record in page:
            if record["eventID"] in events:
                yield f"event {record['eventID']} came twice"
            events.add(record["eventID"])
            told.setdefault(record["dynamodb"]["Keys"]["p"]["S"], []).append(record["dynamodb"])
    for key in told.keys() | stored.keys():
        image: Shape | None = None
        for change in told.get(key, []):
            if change.get("OldImage") != image:
                yield f"{key} at {change['SequenceNumber']}: a record is missing, doubled or out of order"
            image = change.get("NewImage")
        if image != stored.get(key):
            yield f"{key}: the last image of the stream is not the item"
