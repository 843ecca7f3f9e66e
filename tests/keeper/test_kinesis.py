"""Kinesis destinations from their enabling to their end: nothing is lost, and nothing waits for ever."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

import orjson
import pytest
from tests.in_process import PRINCIPAL, SHAPES, Api
from tests.keeper.kinesis_stream import (
    ARN,
    HOUR,
    Memory,
    active,
    create,
    described,
    disable,
    duty_of,
    enable,
    feed,
    log_of,
    names,
    put,
    status,
    tidy,
    waiting,
    work,
)
from tests.pace import HANGS_SECONDS
from tests.store.engines import Eventual

from statordb.api.dispatch import Dispatcher
from statordb.keeper import kinesis_delivery, kinesis_shard
from statordb.keeper.kinesis import Kinesis
from statordb.keeper.logs import Logs
from statordb.metering.series import CHANGE_UNITS, TABLE, Series, Subject
from statordb.store import readers
from statordb.store.barrier import SKEW_SECONDS
from statordb.store.holds import Hold
from statordb.store.store import Store


@pytest.fixture
def stream() -> Memory:
    return Memory()


@pytest.fixture
def duty(api: Api, stream: Memory) -> Kinesis:
    return active(api, stream)


def test_a_new_precision_holds_from_then_on(api: Api, duty: Kinesis, stream: Memory) -> None:
    put(api, "a")
    work(api, duty)
    api(
        "UpdateKinesisStreamingDestination",
        TableName="carts",
        StreamArn=ARN,
        UpdateKinesisStreamingConfiguration={"ApproximateCreationDateTimePrecision": "MICROSECOND"},
    )
    put(api, "b")
    work(api, duty)
    assert status(api) == "ACTIVE"
    precisions = [event["dynamodb"]["ApproximateCreationDateTimePrecision"] for event in stream.told()]
    assert precisions == ["MILLISECOND", "MICROSECOND"]


def test_what_was_taken_leaves_the_feed(api: Api, duty: Kinesis, stream: Memory) -> None:
    put(api, "a")
    put(api, "a")  # changes nothing
    assert waiting(api) == 1
    api.clock.advance(1)
    work(api, duty)
    assert waiting(api) == 0


def test_a_restart_sends_again_under_the_same_names(api: Api, duty: Kinesis, stream: Memory) -> None:
    """What was taken just before had no time to be trimmed."""
    for name in "abc":
        put(api, name)
    work(api, duty)
    api.restart()
    work(api, duty_of(api, stream))
    assert len(stream.taken) == 6
    assert stream.taken[:3] == stream.taken[3:]


def test_a_refused_record_goes_before_anything_later_of_its_item(api: Api, duty: Kinesis, stream: Memory) -> None:
    for value in "12":
        for name in "ab":
            put(api, name, value)
    refused = iter(["ProvisionedThroughputExceededException", None, "InternalFailure"])
    stream.refuses = lambda entry: next(refused, None)
    work(api, duty)
    changes = [(event["dynamodb"]["Keys"]["p"]["S"], event["eventName"]) for event in stream.told()]
    assert [change for change in changes if change[0] == "a"] == [("a", "INSERT"), ("a", "MODIFY")]
    assert [change for change in changes if change[0] == "b"] == [("b", "INSERT"), ("b", "MODIFY")]
    assert names(stream)[0] == "b"  # others do not wait


def test_nothing_is_lost_while_the_endpoint_is_down(
    api: Api, duty: Kinesis, stream: Memory, caplog: pytest.LogCaptureFixture
) -> None:
    stream.down = True
    for name in "abc":
        put(api, name)
    with caplog.at_level(logging.INFO):
        work(api, duty)
        assert stream.taken == []
        stream.down = False
        work(api, duty)
    assert names(stream) == ["a", "b", "c"]
    assert [record.message for record in caplog.records] == [
        "kinesis stream takes no records",
        "kinesis stream takes records again",
    ]


def test_pauses_grow_while_the_endpoint_is_down(api: Api, duty: Kinesis, stream: Memory) -> None:
    stream.down = True
    put(api, "a")
    (delivery,) = duty.deliveries.values()
    pauses = [api.run(delivery.turn()) for _ in range(8)]
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    stream.down = False
    assert api.run(delivery.turn()) == 0.0
    assert api.run(delivery.turn()) == kinesis_shard.IDLE_SECONDS


def test_a_record_that_is_too_large_is_left_out(
    api: Api, duty: Kinesis, stream: Memory, caplog: pytest.LogCaptureFixture
) -> None:
    """As on AWS: two images of an item of nearly 400 KB that JSON makes longer."""
    for name in "abcd":
        item = {"p": {"S": "big" if name in "bc" else name}, "v": {"S": name + "\n" * 390_000 * (name in "bc")}}
        api("PutItem", TableName="carts", Item=item)
    work(api, duty)
    assert [event["eventName"] for event in stream.told()] == ["INSERT"] * 3
    assert names(stream) == ["a", "big", "d"]
    assert [record.message for record in caplog.records] == ["kinesis records are too large"]
    api.clock.advance(1)
    work(api, duty)
    assert waiting(api) == 0


def test_what_waited_for_a_day_is_given_up(
    api: Api, duty: Kinesis, stream: Memory, caplog: pytest.LogCaptureFixture
) -> None:
    stream.down = True
    put(api, "old")
    work(api, duty)
    api.clock.advance(12 * HOUR)
    put(api, "young")
    work(api, duty)
    api.clock.advance(13 * HOUR)
    work(api, duty)
    stream.down = False
    work(api, duty)
    assert names(stream) == ["young"]
    lost = [record for record in caplog.records if record.message == "kinesis records waited too long"]
    assert [record.__dict__["records"] for record in lost] == [1]


def test_what_is_younger_than_its_neighbours_is_not_given_up_with_them(api: Api, duty: Kinesis, stream: Memory) -> None:
    """Times nearly grow along a log: each process has a clock of its own, and commits later than it looked at it."""
    stream.down = True
    for name, step in (("old", 1.5), ("young", -1.0), ("old too", 0.0)):
        put(api, name)
        api.clock.advance(step)
    api.clock.advance(24 * HOUR + 0.25)
    work(api, duty)
    stream.down = False
    work(api, duty)
    assert names(stream) == ["young", "old too"]


def test_holds_of_shards_that_were_opened_since_the_log_was_read_are_kept(
    api: Api, duty: Kinesis, stream: Memory
) -> None:
    """A run over many logs takes its time, and destinations go on meanwhile."""
    log = log_of(api)
    (shard,) = log.shards
    (reader,) = shard.readers
    api.run(api.store.holds.keep(log.space, reader, shard.id, Hold(5)))
    api.run(Logs(api.store)._trimming.positions(replace(log, shards=[])))
    assert api.run(api.store.holds.of(log.space)) == {reader: {shard.id: Hold(5)}}


def test_disabling_sends_the_rest_and_drops_the_feed(api: Api, duty: Kinesis, stream: Memory) -> None:
    log = log_of(api)
    put(api, "a")
    disable(api)
    put(api, "b")
    assert status(api) == "DISABLING"
    work(api, duty)
    assert names(stream) == ["a"]
    assert described(api) == {"StreamArn": ARN, "DestinationStatus": "DISABLED"}
    assert duty.deliveries == {}
    assert waiting(api) == 0
    tidy(api)
    assert api.run(api.store.logs.all()) == []
    tidy(api)
    assert api.run(api.store.holds.of(log.space)) == {}
    (record,) = api.run(api.store.catalog.all())
    assert api.run(api.store.engine.spaces()) == [record.space]


def test_disabling_does_not_wait_for_ever(
    api: Api, duty: Kinesis, stream: Memory, caplog: pytest.LogCaptureFixture
) -> None:
    stream.down = True
    put(api, "a")
    disable(api)
    work(api, duty)
    assert status(api) == "DISABLING"
    api.clock.advance(kinesis_delivery.DISABLING_SECONDS_MAX)
    work(api, duty)
    assert status(api) == "DISABLED"
    assert caplog.records[-1].message == "kinesis records are dropped with their destination"


def test_disabling_sends_a_backlog_however_long_it_takes(api: Api, duty: Kinesis, stream: Memory) -> None:
    """The bound is one of time without progress: a slow endpoint loses nothing."""
    api.run(feed(api, ["a"] * 4))
    disable(api)
    for _ in range(4):
        api.clock.advance(kinesis_delivery.DISABLING_SECONDS_MAX - 1)
        work(api, duty, turns=1)
    work(api, duty)
    assert len(stream.taken) == 4
    assert status(api) == "DISABLED"


def test_time_in_which_the_server_was_down_is_no_time_without_progress(
    api: Api, duty: Kinesis, stream: Memory, caplog: pytest.LogCaptureFixture
) -> None:
    api.run(feed(api, ["a", "b"]))
    disable(api)
    api.clock.advance(HOUR)
    api.restart()
    stream.down = True
    duty = duty_of(api, stream)
    work(api, duty)
    assert status(api) == "DISABLING"
    api.clock.advance(kinesis_delivery.DISABLING_SECONDS_MAX - 1)
    stream.down = False
    work(api, duty)
    assert (names(stream), status(api)) == (["a", "b"], "DISABLED")
    assert "dropped" not in caplog.text


def test_a_refused_item_does_not_keep_a_disabled_destination(
    api: Api, duty: Kinesis, stream: Memory, caplog: pytest.LogCaptureFixture
) -> None:
    put(api, "bad")
    work(api, duty, turns=0)
    stream.refuses = lambda entry: "InternalFailure" if b'"bad"' in entry.data else None
    api.clock.advance(kinesis_delivery.DISABLING_SECONDS_MAX)
    put(api, "good")
    disable(api)
    work(api, duty)
    assert (names(stream), status(api)) == (["good"], "DISABLING")
    api.clock.advance(kinesis_delivery.DISABLING_SECONDS_MAX)
    work(api, duty)
    assert status(api) == "DISABLED"
    assert caplog.records[-1].message == "kinesis records are dropped with their destination"


@pytest.mark.slow
def test_a_hot_item_does_not_hold_up_others(api: Api, duty: Kinesis, stream: Memory) -> None:
    """Its changes are all sent nevertheless, in order."""
    api.run(feed(api, ["hot"] * 1500 + ["other"]))
    work(api, duty, turns=1)
    assert names(stream) == ["hot", "other"]
    work(api, duty, turns=1500)
    values = [event["dynamodb"]["NewImage"]["v"]["S"] for event in stream.told()]
    assert values == ["0", "1500", *map(str, range(1, 1500))]
    assert len(stream.taken) == 1501
    api.clock.advance(1)
    work(api, duty)
    assert waiting(api) == 0


def test_a_table_that_is_deleted_while_changes_wait(api: Api, duty: Kinesis, stream: Memory) -> None:
    """The delivery goes on until the duty looks again."""
    api.run(feed(api, ["hot"] * 30))
    (delivery,) = duty.deliveries.values()
    api.run(delivery.turn())
    api("DeleteTable", TableName="carts")
    api.keep()
    for _ in range(30):
        api.run(delivery.turn())
    work(api, duty)
    assert duty.deliveries == {}


@pytest.mark.slow
def test_an_item_that_is_refused_for_ever_does_not_hold_up_others(api: Api, duty: Kinesis, stream: Memory) -> None:
    stream.refuses = lambda entry: "InternalFailure" if b'"bad"' in entry.data else None
    api.run(feed(api, ["bad"] * 1500 + ["good"] * 30))
    work(api, duty, turns=40)
    assert names(stream) == ["good"] * 30
    api.clock.advance(1)
    work(api, duty)
    assert waiting(api) == 1530  # trimmed is only what is older than all that waits
    api.clock.advance(25 * HOUR)
    work(api, duty)
    assert waiting(api) == 0


def test_what_was_passed_over_is_given_up_after_a_day_too(
    api: Api, duty: Kinesis, stream: Memory, caplog: pytest.LogCaptureFixture
) -> None:
    stream.refuses = lambda entry: "InternalFailure" if b'"bad"' in entry.data else None
    api.run(feed(api, ["bad", "good"] * 20))
    work(api, duty, turns=40)
    api.clock.advance(25 * HOUR)
    work(api, duty)
    (lost,) = [record for record in caplog.records if record.message == "kinesis records waited too long"]
    assert lost.__dict__["records"] == 20
    stream.refuses = lambda entry: None
    put(api, "bad", "again")
    work(api, duty)
    assert names(stream) == ["good"] * 20 + ["bad"]


def roll(api: Api) -> None:
    api.clock.advance(4 * HOUR)
    api.run(Logs(api.store).run_once())


@pytest.mark.parametrize("shards", [1, 3])
def test_what_is_refused_holds_up_its_own_item_alone_when_shards_roll(
    api: Api, duty: Kinesis, stream: Memory, shards: int
) -> None:
    """Others go on in the children; the item's own later changes come after all, in order."""
    api.store.stream_shards = shards
    stream.refuses = lambda entry: "InternalFailure" if b'"bad"' in entry.data else None
    for number in range(3):
        for name in ("bad", "good", "other"):
            put(api, name, str(number))
        work(api, duty)
        roll(api)
    work(api, duty)
    told = [(event["dynamodb"]["Keys"]["p"]["S"], event["dynamodb"]["NewImage"]["v"]["S"]) for event in stream.told()]
    assert sorted(told) == [(name, str(number)) for name in ("good", "other") for number in range(3)]
    stream.refuses = lambda entry: None
    work(api, duty)
    told = [event["dynamodb"]["NewImage"]["v"]["S"] for event in stream.told() if b'"bad"' in orjson.dumps(event)]
    assert told == ["0", "1", "2"]
    api.clock.advance(2)
    work(api, duty)
    assert waiting(api) == 0
    tidy(api)
    assert len(log_of(api).shards) == shards, "those that were read are forgotten"


def test_a_restart_after_a_roll_sends_what_is_left_in_order(api: Api, duty: Kinesis, stream: Memory) -> None:
    stream.down = True
    for number in range(3):
        put(api, "a", str(number))
        work(api, duty, turns=1)
        roll(api)
    stream.down = False
    stream.refuses = lambda entry: "InternalFailure" if len(stream.taken) == 1 else None
    work(api, duty, turns=3)
    api.restart()
    stream.refuses = lambda entry: None
    work(api, duty_of(api, stream))
    assert [event["dynamodb"]["NewImage"]["v"]["S"] for event in stream.told()] == ["0", "1", "2"]


def test_without_an_endpoint_shards_of_days_ago_are_let_go(api: Api) -> None:
    create(api)
    enable(api)
    duty = duty_of(api, None)
    for number in range(10):
        put(api, "a", str(number))
        work(api, duty, turns=10)
        roll(api)
    assert waiting(api) <= 7


def test_a_destination_enabled_again_begins_anew(api: Api, duty: Kinesis, stream: Memory) -> None:
    put(api, "a")
    disable(api)
    work(api, duty)
    put(api, "b")
    enable(api)
    put(api, "c")
    work(api, duty)
    assert names(stream) == ["a", "c"]


@pytest.mark.parametrize("found", [None, "CREATING", "DELETING"])
def test_a_stream_that_is_not_there(api: Api, stream: Memory, found: str | None) -> None:
    create(api)
    stream.found = found
    enable(api)
    put(api, "a")
    work(api, duty_of(api, stream))
    assert described(api) == {
        "StreamArn": ARN,
        "DestinationStatus": "ENABLE_FAILED",
        "DestinationStatusDescription": "User does not have a permission to use kinesis stream",
    }
    api.keep()
    assert waiting(api) == 0
    stream.found = "ACTIVE"
    enable(api)
    work(api, duty_of(api, stream))
    assert described(api) == {"StreamArn": ARN, "DestinationStatus": "ACTIVE"}


@pytest.mark.parametrize(
    ("arn", "reason"),
    [
        (ARN.replace("us-east-1", "eu-west-1"), "belongs to a stream which is not in the current region"),
        (ARN.replace("stream/changes", "stream/changes/consumer/one:1"), "does not have a permission"),
        ("arn:aws:dynamodb:us-east-1:000000000000:table/carts", "does not have a permission"),
    ],
)
def test_an_arn_that_is_none_of_a_stream_here(api: Api, stream: Memory, arn: str, reason: str) -> None:
    """Told by the status, as on AWS, not by the operation."""
    create(api)
    enable(api, arn)
    work(api, duty_of(api, stream))
    assert status(api) == "ENABLE_FAILED"
    assert reason in described(api)["DestinationStatusDescription"]


def test_enabling_waits_for_an_endpoint_that_is_down(api: Api, stream: Memory) -> None:
    create(api)
    stream.down = True
    enable(api)
    put(api, "a")
    duty = duty_of(api, stream)
    work(api, duty)
    assert status(api) == "ENABLING"
    stream.down = False
    work(api, duty)
    assert status(api) == "ACTIVE"
    assert names(stream) == ["a"]


def test_enabling_does_not_wait_for_ever(api: Api, stream: Memory) -> None:
    create(api)
    stream.down = True
    enable(api)
    duty = duty_of(api, stream)
    work(api, duty)
    api.clock.advance(kinesis_delivery.ENABLING_SECONDS_MAX)
    work(api, duty)
    assert status(api) == "ENABLE_FAILED"
    assert "is not in Active state" in described(api)["DestinationStatusDescription"]


def test_without_an_endpoint_changes_wait(api: Api, stream: Memory, caplog: pytest.LogCaptureFixture) -> None:
    create(api)
    enable(api)
    put(api, "a")
    duty = duty_of(api, None)
    work(api, duty)
    assert status(api) == "ACTIVE"
    assert [record.message for record in caplog.records] == ["kinesis destinations wait: no kinesis_endpoint is set"]
    api.restart()
    work(api, duty_of(api, stream))
    assert names(stream) == ["a"]


def test_without_an_endpoint_disabling_is_quick_and_a_day_is_kept(api: Api) -> None:
    create(api)
    enable(api)
    duty = duty_of(api, None)
    work(api, duty)
    put(api, "a")
    api.clock.advance(25 * HOUR)
    put(api, "b")
    work(api, duty)
    assert waiting(api) == 1
    disable(api)
    work(api, duty)
    assert status(api) == "DISABLED"


def test_transactions_and_refused_writes(api: Api, duty: Kinesis, stream: Memory) -> None:
    put(api, "a", "1")
    condition = {"ConditionExpression": "attribute_not_exists(p)"}
    api.refused("PutItem", TableName="carts", Item={"p": {"S": "a"}}, **condition)
    item = {"p": {"S": "b"}}
    writes = [
        {"Put": {"TableName": "carts", "Item": item}},
        {"Delete": {"TableName": "carts", "Key": {"p": {"S": "a"}}}},
    ]
    api("TransactWriteItems", TransactItems=writes)
    api.refused("TransactWriteItems", TransactItems=[{"Put": {"TableName": "carts", "Item": item, **condition}}])
    work(api, duty)
    told = [(event["eventName"], event["dynamodb"]["Keys"]["p"]["S"]) for event in stream.told()]
    assert sorted(told) == [("INSERT", "a"), ("INSERT", "b"), ("REMOVE", "a")]
    assert told.index(("INSERT", "a")) < told.index(("REMOVE", "a"))


def test_a_stream_of_the_table_and_a_destination_read_one_log(api: Api, stream: Memory) -> None:
    """Each in its view, and only what it was there for."""
    create(api, StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
    put(api, "before")
    enable(api)
    put(api, "a")
    duty = duty_of(api, stream)
    work(api, duty)
    (event,) = stream.told()
    assert "NewImage" in event["dynamodb"]
    disable(api)
    put(api, "after")
    work(api, duty)
    assert (names(stream), status(api)) == (["a"], "DISABLED")
    described = api("DescribeTable", TableName="carts")["Table"]
    arn = described["LatestStreamArn"]
    shards = api("DescribeStream", StreamArn=arn)["StreamDescription"]["Shards"]
    assert [shard.get("ParentShardId") for shard in shards] == [None, *(shard["ShardId"] for shard in shards[:-1])]
    told = []
    for shard in shards:
        place = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        told += api("GetRecords", ShardIterator=api("GetShardIterator", **place)["ShardIterator"])["Records"]
    assert [record["dynamodb"]["Keys"]["p"]["S"] for record in told] == ["before", "a", "after"]
    assert all("NewImage" not in record["dynamodb"] for record in told)
    assert waiting(api) == 3


def test_what_a_stream_still_has_to_tell_outlives_a_destination_and_the_other_way_round(
    api: Api, stream: Memory
) -> None:
    create(api)
    enable(api)
    put(api, "unsent")
    api("UpdateTable", TableName="carts", StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"})
    put(api, "both")
    api("UpdateTable", TableName="carts", StreamSpecification={"StreamEnabled": False})
    put(api, "sent")
    tidy(api)
    duty = duty_of(api, stream)
    work(api, duty)
    assert names(stream) == ["unsent", "both", "sent"]
    api.clock.advance(2)
    work(api, duty)
    assert waiting(api) == 1
    (found,) = api.run(api.store.streams.all())
    told = api.run(api.store.streams.find(found.account, found.region, found.table, found.label))
    assert [shard.parent for shard in told.shards] == [None]
    api.clock.advance(25 * HOUR)
    assert waiting(api) == 0
    tidy(api)
    assert api.run(api.store.streams.all()) == []


def test_the_duty_runs_by_itself_and_ends(api: Api, stream: Memory) -> None:
    """With its tasks, as in a server: through enabling, delivery and a deleted table to its rest."""
    create(api)
    duty = duty_of(api, stream)

    async def until(done: Callable[[], bool]) -> None:
        async with asyncio.timeout(HANGS_SECONDS):
            while not done():
                assert not await duty.run_once()
                await asyncio.sleep(0.005)

    enable(api)
    put(api, "a")
    api.run(until(lambda: len(stream.taken) == 1))
    assert status(api) == "ACTIVE"
    api("DeleteTable", TableName="carts")
    api.keep()
    api.run(until(lambda: not duty.deliveries))
    api.run(duty.rest())


def test_a_disabled_destination_waits_for_what_is_on_its_way(api: Api, stream: Memory) -> None:
    """Changes that were acknowledged before, by another process, may be read a little later."""
    engine = Eventual(api.store.engine)
    api.store = Store(engine.as_engine(), api.clock)
    api.dispatcher = Dispatcher(api.store, SHAPES, lambda request, fault: api.faults.append(fault))
    duty = active(api, stream)
    put(api, "a")
    work(api, duty)
    log = log_of(api)
    engine.hidden_above = api.run(engine.log_end(log.space, log.shards[-1].id.encode()))
    put(api, "b")
    disable(api)
    keeper = Logs(api.store)
    api.run(keeper.run_once())
    work(api, duty)
    api.clock.advance(SKEW_SECONDS)
    api.run(keeper.run_once())
    work(api, duty)
    assert (names(stream), status(api)) == (["a"], "DISABLING")
    engine.hidden_above = None
    api.run(keeper.run_once())
    work(api, duty)
    assert (names(stream), status(api)) == (["a", "b"], "DISABLED")


def test_enabling_that_fails_all_the_time_is_refused_in_the_end(
    api: Api, stream: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each time shards of the table's stream are replaced twice, and kept for a day. Once they are gone, it goes on."""
    monkeypatch.setattr(readers, "LOG_REPLACEMENTS_MAX", 6)
    create(api, StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
    stream.found = None
    for _ in range(3):
        api.clock.advance(1)
        enable(api)
        api.clock.advance(1)
        work(api, duty_of(api, stream))
        assert status(api) == "ENABLE_FAILED"
        tidy(api)
    api.clock.advance(1)
    again = api.refused("EnableKinesisStreamingDestination", TableName="carts", StreamArn=ARN)
    assert again.body["__type"].endswith("#LimitExceededException")
    assert status(api) == "ENABLE_FAILED"
    assert len(log_of(api).shards) == 7
    api.clock.advance(25 * HOUR)
    tidy(api)
    stream.found = "ACTIVE"
    enable(api)
    work(api, duty_of(api, stream))
    assert status(api) == "ACTIVE"


def test_what_went_to_kinesis_is_counted_by_the_larger_image(api: Api, duty: Kinesis, stream: Memory) -> None:
    """Once, however often it is sent."""
    stream.refuses = lambda entry: "ProvisionedThroughputExceededException"
    put(api, "a", "x" * 3000)
    work(api, duty, 3)
    stream.refuses = lambda entry: None
    put(api, "a")
    put(api, "b")
    work(api, duty)
    (record,) = api.run(api.store.catalog.all())
    subject = Subject(PRINCIPAL.account, PRINCIPAL.region, TABLE, "carts", record.id)
    api.run(api.store.flushing.flush())
    found = api.run(api.store.ledger.total(subject))[Series(CHANGE_UNITS)]
    assert (found.count, found.sum) == (3, 3 + 3 + 1)
