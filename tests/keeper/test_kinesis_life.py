"""Kinesis destinations are enabled and disabled, each after what it waits for, and none for ever."""

import asyncio
from collections.abc import Callable

import pytest
from tests.in_process import SHAPES, Api
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
from statordb.keeper import kinesis_delivery
from statordb.keeper.kinesis import Kinesis
from statordb.keeper.logs import Logs
from statordb.store import readers
from statordb.store.barrier import SKEW_SECONDS
from statordb.store.store import Store


@pytest.fixture
def stream() -> Memory:
    return Memory()


@pytest.fixture
def duty(api: Api, stream: Memory) -> Kinesis:
    return active(api, stream)


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
