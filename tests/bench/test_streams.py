"""A reader that missed records would look fast: it must count what is there, over pages and shards."""

import json
from typing import Any

import pytest

from streams import read_through


class Streams:
    """Stands in for the client: shards of a stream as lists of pages, each page a number of records."""

    def __init__(self, *shards: list[int], iterator_first: bool) -> None:
        self.shards = shards
        self.iterator_first = iterator_first

    def call(self, operation: str, body: bytes) -> dict[str, Any]:
        if operation == "DescribeStream":
            return {"StreamDescription": {"Shards": [{"ShardId": str(number)} for number in range(len(self.shards))]}}
        assert operation == "GetShardIterator"
        return {"ShardIterator": json.loads(body)["ShardId"] + "/0"}

    def ask(self, operation: str, body: bytes) -> bytes:
        assert operation == "GetRecords"
        shard, page = map(int, json.loads(body)["ShardIterator"].split("/"))
        pages = self.shards[shard]
        records = {"Records": [{"eventID": "x" * 100}] * (pages[page] if page < len(pages) else 0)}
        onward = {"NextShardIterator": f"{shard}/{page + 1}"} if page < len(pages) else {}
        answer = onward | records if self.iterator_first else records | onward
        return json.dumps(answer, separators=(",", ":")).encode()


@pytest.mark.parametrize("iterator_first", [True, False])
def test_all_records_of_all_shards_are_counted(iterator_first: bool) -> None:
    client: Any = Streams([1000, 1000, 7], [], [3], iterator_first=iterator_first)
    assert read_through(client, "arn").records == 2010
