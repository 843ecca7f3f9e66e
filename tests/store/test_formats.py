"""Stores of every release are opened by this one: all that was in them is there, and can be written."""

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.in_process import PRINCIPAL, Api
from tests.invariants import check_spaces
from tests.keeper.kinesis_stream import AMPLE, ARN, Memory, duty_of, tidy, work
from tests.store.engines import Died, Mortal
from tests.store.fixtures import fill

from statordb.api import iterators
from statordb.api.iterators import ShardIterator
from statordb.metering.series import TABLE, Subject
from statordb.model.clock import ManualClock
from statordb.server.composition import sealer_of
from statordb.store import formats, migration, records
from statordb.store.changes import sequence_text
from statordb.store.credentials import Credentials
from statordb.store.functions import mappings
from statordb.store.functions.invocations import FunctionKey
from statordb.store.log import LogRecord
from statordb.store.records import TableRecord

FIXTURES = sorted(Path(fill.__file__).parent.glob("*.tar.xz"))
MADE_AT = 1_795_992_100.0  # seconds since the epoch: when they were filled, or a few hours later
LATER = {"4-b13b334": 1_796_061_500.0}  # those that were filled after that
SCOPE = (PRINCIPAL.account, PRINCIPAL.region)


class Opened(Api):
    """The API over a fixture's store, at the time of its making."""

    def __init__(self, fixture: Path, directory: Path, admitted: bool = True) -> None:
        with tarfile.open(fixture) as packed:
            packed.extractall(directory, filter="data")
        super().__init__(directory)
        self.made_at = LATER.get(fixture.name.partition(".")[0], MADE_AT)
        self.clock = ManualClock(self.made_at)
        self.restart()
        if admitted:
            self.admit()

    def admit(self) -> None:
        self.run(formats.admit(self.store.engine, self.clock.now()))

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
    credentials = Credentials(opened.store.engine, sealer_of(opened.store.engine), opened.clock)
    (record,) = opened.run(credentials.list())
    found = opened.run(credentials.lookup(record.access_key_id))
    assert (found.access_key_id, found.secret) == (told["AccessKeyId"], told["SecretAccessKey"])


def shards_of(opened: Opened, arn: str) -> list[dict[str, Any]]:
    shards: list[dict[str, Any]] = opened("DescribeStream", StreamArn=arn)["StreamDescription"]["Shards"]
    return shards


def test_a_stream_tells_every_change_and_goes_on(opened: Opened) -> None:
    if not opened.streams:
        assert "LatestStreamArn" not in opened("DescribeTable", TableName="orders")["Table"]
        return
    opened("PutItem", TableName="orders", Item=stored(99))
    (stream,) = opened.run(opened.store.streams.all())

    def records() -> list[dict[str, Any]]:
        found = []
        for shard in shards_of(opened, stream.arn):
            place = {"StreamArn": stream.arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
            iterator = opened("GetShardIterator", **place)
            found += opened("GetRecords", ShardIterator=iterator["ShardIterator"])["Records"]
        return found

    assert [record["dynamodb"]["NewImage"] for record in records()] == [*EVERY, stored(99)]
    opened.clock.advance(25 * 3600.0)
    opened.keep()
    assert records() == []


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


def destination_of(opened: Opened, table: str) -> tuple[TableRecord, LogRecord, str] | None:
    """The table, its log, and the name of the Kinesis destination that reads it; None if the fixture has none."""
    (found,) = [each for each in opened.run(opened.store.catalog.all()) if each.name == table]
    if not found.destinations:
        return None
    (destination,) = found.destinations
    log = opened.run(opened.store.logs.find(*SCOPE, table, destination.log))
    return found, log, destination.reader


@pytest.mark.parametrize(("table", "unsent"), [("orders", EVERY), ("plain", [{"p": {"B": "YWZ0ZXI="}}])])
def test_what_kinesis_is_owed_is_sent_first(opened: Opened, table: str, unsent: list[dict[str, Any]]) -> None:
    """What waited in the destination's own log comes before what is written now. The stream goes on beside it."""
    known = destination_of(opened, table)
    if known is None:
        return
    record, log, reader = known
    assert record.log is not None
    assert (record.log.space, record.log.carries) == (log.space, "NEW_AND_OLD_IMAGES")
    if len(log.shards_of(reader)) == 1:  # a later release filled it, and there was one log from the start
        return
    feed, _ = log.shards_of(reader)
    key = {name: value for name, value in unsent[0].items() if name in "ps"}
    opened("DeleteItem", TableName=table, Key=key)
    sent = Memory(ARN.replace("changes", "fixture"))
    duty = duty_of(opened, sent)
    work(opened, duty, 50)
    events = [event["dynamodb"] for event in sent.told() if event["tableName"] == table]
    assert [event.get("NewImage") for event in events[:-1]] == unsent
    assert (events[-1]["OldImage"], events[-1]["Keys"]) == (unsent[0], key)
    opened.clock.advance(2)
    work(opened, duty, 3)
    tidy(opened)
    tidy(opened)
    (_, log, _) = destination_of(opened, table) or known
    assert log.shard(feed.id) is None
    opened.run(check_spaces(opened.store))


def test_bringing_a_store_over_can_be_done_again(opened: Opened) -> None:
    """By who comes after one that died."""
    engine = opened.store.engine
    before = opened.run(opened.store.catalog.all()), opened.run(opened.store.logs.all())
    opened.run(migration.give_logs(engine, opened.clock.now()))
    assert (opened.run(opened.store.catalog.all()), opened.run(opened.store.logs.all())) == before


def test_who_was_reading_a_stream_comes_to_the_end_of_its_shard_and_goes_on(directory: Path) -> None:
    """The shard is closed for the destination that shares the log from now on, and stays for a day from now, although
    that was enabled long ago, and all that was in it was written long ago."""
    (newest,) = [path for path in FIXTURES if path.name.startswith("3-")]
    opened = Opened(newest, directory, admitted=False)
    opened.clock.advance(30 * 3600.0)
    opened.admit()
    (stream,) = opened.run(opened.store.streams.all())
    found = opened.run(opened.store.streams.find(*SCOPE, "orders", stream.label))
    (shard, child) = found.shards
    latest = opened.run(opened.store.logs.end(found, shard))
    iterator = iterators.encode(ShardIterator(stream.arn, shard.id, latest, opened.clock.now()))
    opened("PutItem", TableName="orders", Item=stored(99))
    opened.keep()
    assert [each["ShardId"] for each in shards_of(opened, stream.arn)] == [shard.id, child.id]
    assert opened("GetRecords", ShardIterator=iterator) == {"Records": []}
    place = {"StreamArn": stream.arn, "SequenceNumber": sequence_text(latest), "ShardId": shard.id}
    trimmed = opened.refused("GetShardIterator", **place, ShardIteratorType="AT_SEQUENCE_NUMBER")
    assert trimmed.body["__type"].endswith("#TrimmedDataAccessException")
    place = {"StreamArn": stream.arn, "ShardId": child.id, "ShardIteratorType": "TRIM_HORIZON"}
    further = opened("GetRecords", **opened("GetShardIterator", **place))
    assert [record["dynamodb"]["NewImage"] for record in further["Records"]] == [stored(99)]
    opened.clock.advance(25 * 3600.0)
    opened.keep()
    assert shard.id not in [each["ShardId"] for each in shards_of(opened, stream.arn)]
    opened.close()


@pytest.mark.parametrize("lives", range(1, 4))
def test_whoever_dies_while_a_store_is_brought_over_leaves_it_whole(directory: Path, lives: int) -> None:
    (newest,) = [path for path in FIXTURES if path.name.startswith("3-")]
    opened = Opened(newest, directory, admitted=False)
    engine = Mortal(opened.store.engine, lives)
    with pytest.raises(Died):
        opened.run(migration.give_logs(engine.as_engine(), MADE_AT))
    opened.restart()
    opened.admit()
    for table, unsent in (("orders", EVERY), ("plain", [{}])):
        known = destination_of(opened, table)
        assert known is not None
        _, log, reader = known
        feed, child = log.shards_of(reader)
        assert (feed.closed_at is None, child.closed_at) == (False, None)
        waiting = opened.run(opened.store.engine.log(feed.space or log.space, feed.id.encode(), 0, AMPLE))
        assert len(waiting) == len(unsent)
    opened.run(check_spaces(opened.store))
    opened.close()


def test_what_has_a_log_is_not_brought_over_again_by_a_later_format(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would get a second feed, and its stream has no shards to bring any more."""
    monkeypatch.setattr(records.KIND, "format", 3)
    assert migration._is_of_before(b'{"format":1}')
    assert not migration._is_of_before(b'{"format":2}')


def subject_of(table: TableRecord) -> Subject:
    return Subject(table.account, table.region, TABLE, table.name, table.id)


def test_the_ledger_has_the_capacity_of_tables_that_were_there_before_it(opened: Opened) -> None:
    """From when the store was opened by a release that has one: nobody knows what they had before."""
    ledger = opened.store.ledger
    for table in opened.run(opened.store.catalog.all()):
        (noted,) = opened.run(ledger.capacities(subject_of(table)))
        assert (noted.at, noted.billing_mode) == (opened.made_at, table.billing_mode)
        if table.name == "plain":
            assert noted.capacity == [3, 4]
    opened.run(formats.admit(opened.store.engine, opened.clock.now()))
    opened.run(migration.give_capacity(opened.store.engine, opened.clock.now() + 5))
    (plain,) = [each for each in opened.run(opened.store.catalog.all()) if each.name == "plain"]
    assert len(opened.run(ledger.capacities(subject_of(plain)))) == 1
