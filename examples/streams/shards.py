"""The shards of a stream: which there are, and reading one on from a checkpoint."""

import sys
from dataclasses import dataclass
from typing import Any

from leases import SHARD_END, TRIM_HORIZON

Record = dict[str, Any]


@dataclass(frozen=True)
class Batch:
    """Some records of a shard, in order. `position`: the checkpoint to set once they are processed; None for none."""

    records: list[Record]
    position: str | None


def list_shards(client: Any, stream: str) -> dict[str, str | None]:
    """Every shard that the stream still has, with its parent, oldest first."""
    shards: dict[str, str | None] = {}
    request = {"StreamArn": stream}
    while True:
        found = client.describe_stream(**request)["StreamDescription"]
        for shard in found["Shards"]:
            shards[shard["ShardId"]] = shard.get("ParentShardId")
        if "LastEvaluatedShardId" not in found:
            return shards
        request["ExclusiveStartShardId"] = found["LastEvaluatedShardId"]


class ShardReader:
    """Reads a shard on behind a checkpoint, whatever becomes of its iterator.

    `client`: boto3's of `dynamodbstreams`.
    """

    def __init__(self, client: Any, stream: str, shard: str, checkpoint: str) -> None:
        self._client = client
        self._stream = stream
        self._shard = shard
        self._position = checkpoint
        self._iterator: str | None = None

    def read(self, limit: int) -> Batch:
        """The next records, at most `limit`: often none. What was read is not read again."""
        try:
            if self._iterator is None:
                self._iterator = self._new_iterator()
            answer = self._client.get_records(ShardIterator=self._iterator, Limit=limit)
        except self._client.exceptions.ExpiredIteratorException:
            self._iterator = None  # it was not used for 15 minutes: the next call gets another
            return Batch([], None)
        except self._client.exceptions.TrimmedDataAccessException:
            # Records are kept for 24 hours. This reader was away for longer: all it can do is go on with what is left.
            print(f"records of {self._shard} behind {self._position} are gone", file=sys.stderr)
            self._iterator, self._position = None, TRIM_HORIZON
            return Batch([], None)
        except self._client.exceptions.ResourceNotFoundException:
            print(f"{self._shard} is gone", file=sys.stderr)
            return Batch([], SHARD_END)
        records: list[Record] = answer["Records"]
        self._iterator = answer.get("NextShardIterator")
        if records:
            self._position = records[-1]["dynamodb"]["SequenceNumber"]
        if self._iterator is None:
            return Batch(records, SHARD_END)
        return Batch(records, self._position if records else None)

    def _new_iterator(self) -> str:
        where = {"ShardIteratorType": TRIM_HORIZON}
        if self._position != TRIM_HORIZON:
            where = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": self._position}
        answer = self._client.get_shard_iterator(StreamArn=self._stream, ShardId=self._shard, **where)
        return str(answer["ShardIterator"])
