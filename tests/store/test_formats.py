"""Stores of every release are opened by this one: all that was in them is there, and can be written."""

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.in_process import PRINCIPAL, Api
from tests.keeper.kinesis_stream import AMPLE
from tests.store.fixtures import fill

from statordb.crypto.file_keys import FileKeys
from statordb.crypto.sealer import Sealer
from statordb.engine.contract import Budget
from statordb.model.clock import ManualClock
from statordb.store import formats
from statordb.store.credentials import Credentials
from statordb.store.functions import mappings
from statordb.store.functions.invocations import FunctionKey

FIXTURES = sorted(Path(fill.__file__).parent.glob("*.tar.xz"))
MADE_AT = 1_795_992_100.0  # seconds since the epoch: when they were filled, or a few hours later
SCOPE = (PRINCIPAL.account, PRINCIPAL.region)


class Opened(Api):
    """The API over a fixture's store, at the time of its making."""

    def __init__(self, fixture: Path, directory: Path) -> None:
        with tarfile.open(fixture) as packed:
            packed.extractall(directory, filter="data")
        super().__init__(directory)
        self.clock = ManualClock(MADE_AT)
        self.restart()
        self.run(formats.admit(self.store.engine))

    @property
    def streams(self) -> bool:
        """Whether the release had streams, functions and Kinesis destinations."""
        return bool(self.run(self.store.streams.all()))


@pytest.fixture(params=FIXTURES, ids=lambda path: path.name.partition(".")[0])
def opened(request: pytest.FixtureRequest, directory: Path) -> Iterator[Opened]:
    made = Opened(request.param, directory)
    yield made
    made.close()


def items(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return sorted(answer["Items"], key=lambda item: int(item["s"]["N"]))


def stored(number: int) -> dict[str, Any]:
    """The item of a number as JSON has it."""
    item = fill.item(number)
    item["v"]["M"]["list"]["L"][1:] = [{"BOOL": True}, {"B": "AP8="}]
    item["v"]["M"]["list"]["L"][0] = {"N": "1.5"}
    return item


EVERY = [stored(number) for number in range(fill.ITEMS + 1)]


def test_there_is_a_fixture_of_each_format() -> None:
    assert {path.name[0] for path in FIXTURES} >= {"1"}
    assert len(FIXTURES) >= 2


def test_every_item_is_there_by_every_way(opened: Opened) -> None:
    assert opened("ListTables")["TableNames"] == ["orders", "plain"]
    described = opened("DescribeTable", TableName="orders")["Table"]
    assert (described["TableStatus"], described["ItemCount"]) == ("ACTIVE", len(EVERY))
    assert items(opened("Scan", TableName="orders")) == EVERY
    for item in EVERY:
        key = {name: item[name] for name in "ps"}
        assert opened("GetItem", TableName="orders", Key=key)["Item"] == item
    for group in ("g0", "g1"):
        found = opened(
            "Query", TableName="orders", IndexName="global", KeyConditionExpression="g = :g",
            ExpressionAttributeValues={":g": {"S": group}},
        )  # fmt: skip
        wanted = [item for item in EVERY if item.get("g") == {"S": group}]
        assert items(found) == [{name: item[name] for name in "psgl"} for item in wanted]
    found = opened(
        "Query", TableName="orders", IndexName="local", KeyConditionExpression="p = :p AND l = :l",
        ExpressionAttributeValues={":p": {"S": "p1"}, ":l": {"S": "l1"}},
    )  # fmt: skip
    assert items(found) == [item for item in EVERY if (item["p"], item["l"]) == ({"S": "p1"}, {"S": "l1"})]
    tags = opened("ListTagsOfResource", ResourceArn=described["TableArn"])
    assert tags["Tags"] == [{"Key": "kind", "Value": "fixture"}]
    assert len(opened("Scan", TableName="plain")["Items"]) == fill.ITEMS - 1 + opened.streams


def test_items_can_be_written_and_their_indexes_follow(opened: Opened) -> None:
    item = {**EVERY[1], "l": {"S": "changed"}, "g": {"S": "new"}}
    opened("PutItem", TableName="orders", Item=item)
    opened("DeleteItem", TableName="orders", Key={name: EVERY[2][name] for name in "ps"})
    opened.restart()
    opened.keep()
    found = opened(
        "Query", TableName="orders", IndexName="global", KeyConditionExpression="g = :g",
        ExpressionAttributeValues={":g": {"S": "new"}},
    )  # fmt: skip
    assert items(found) == [{name: item[name] for name in "psgl"}]
    assert opened("DescribeTable", TableName="orders")["Table"]["ItemCount"] == len(EVERY) - 1
    counted = opened("Scan", TableName="orders", IndexName="global", Select="COUNT")["Count"]
    assert counted == sum("g" in item for item in EVERY) - 1


def test_a_table_can_be_changed_and_deleted(opened: Opened) -> None:
    """Its record is read, and written anew."""
    opened("UpdateTable", TableName="plain", BillingMode="PAY_PER_REQUEST")
    opened(
        "UpdateTable", TableName="orders",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in "lg"],
        GlobalSecondaryIndexUpdates=[{"Create": {
            "IndexName": "later", "KeySchema": [{"AttributeName": "l", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"}}}],
    )  # fmt: skip
    opened.keep()
    found = opened("Scan", TableName="orders", IndexName="later")
    assert items(found) == EVERY
    opened("DeleteTable", TableName="plain")
    opened.keep()
    assert opened("ListTables")["TableNames"] == ["orders"]


def test_what_expires_is_known(opened: Opened) -> None:
    opened.clock.advance(4_102_444_800 + fill.ITEMS + 1 - MADE_AT)
    opened.keep(60)
    assert items(opened("Scan", TableName="orders")) == [item for item in EVERY if "t" not in item]


def test_access_keys_open_with_the_stores_master_key(opened: Opened) -> None:
    told = json.loads((opened.directory / "credential.json").read_text())
    keys = FileKeys(opened.directory)
    credentials = Credentials(opened.store.engine, Sealer(keys), opened.clock)
    (record,) = opened.run(credentials.list())
    found = opened.run(credentials.lookup(record.access_key_id))
    assert (found.access_key_id, found.secret) == (told["AccessKeyId"], told["SecretAccessKey"])


def test_a_stream_tells_every_change_and_goes_on(opened: Opened) -> None:
    if not opened.streams:
        assert "LatestStreamArn" not in opened("DescribeTable", TableName="orders")["Table"]
        return
    opened("PutItem", TableName="orders", Item=stored(99))
    (stream,) = opened.run(opened.store.streams.all())
    (shard,) = stream.shards
    iterator = opened("GetShardIterator", StreamArn=stream.arn, ShardId=shard.id, ShardIteratorType="TRIM_HORIZON")
    records = opened("GetRecords", ShardIterator=iterator["ShardIterator"])["Records"]
    assert [record["dynamodb"]["NewImage"] for record in records] == [*EVERY, stored(99)]
    opened.clock.advance(25 * 3600.0)
    opened.keep()
    assert opened.run(opened.store.streams.read(stream, shard.id, 0, AMPLE)) == []


def test_functions_and_what_feeds_them_are_there(opened: Opened) -> None:
    if not opened.streams:
        return
    store = opened.store
    function = opened.run(store.functions.find(*SCOPE, "fixture"))
    assert (function.handler, function.environment, function.timeout_seconds) == (
        "fixture.handler",
        {"KEY": "value"},
        3,
    )
    assert opened.run(store.functions.code(function)).startswith(b"PK")
    both = opened.run(store.mappings.of(*SCOPE))
    assert sorted(record.state for record in both) == [mappings.DISABLED, mappings.ENABLED]
    for record in both:
        assert (record.batch_size, len(record.patterns)) == (7, 1)
        assert opened.run(store.mappings.change(record, lambda old: old)) == record
        assert opened.run(store.mappings.checkpoints(record.uuid)) is not None
    (waiting,) = opened.run(store.invocations.due(FunctionKey(*SCOPE, "fixture"), MADE_AT + 1e6, 10))
    assert (waiting.payload, waiting.attempts) == (b'{"fixture": 1}', 1)
    assert opened.run(store.invocations.postpone(waiting, waiting))
    (table,) = [table for table in opened.run(store.catalog.all()) if table.name == "plain"]
    (destination,) = table.destinations
    assert destination.feed is not None
    assert len(opened.run(store.engine.log(destination.feed.space, b"feed", 0, Budget(10, 1 << 20)))) == 1
