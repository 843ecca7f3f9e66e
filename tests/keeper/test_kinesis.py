"""Deliveries to Kinesis destinations: nothing is lost, and nothing waits for ever."""

import logging
from dataclasses import replace

import orjson
import pytest
from tests.in_process import PRINCIPAL, Api
from tests.keeper.kinesis_stream import (
    ARN,
    HOUR,
    Memory,
    active,
    create,
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

from statordb.keeper import kinesis_shard
from statordb.keeper.kinesis import Kinesis
from statordb.keeper.logs import Logs
from statordb.metering.series import CHANGE_UNITS, TABLE, Series, Subject
from statordb.store.holds import Hold


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
