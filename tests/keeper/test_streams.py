"""The life of shards and streams: they roll, their records age, and what is over is forgotten."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import chain, pairwise
from typing import Any
from unittest.mock import AsyncMock

import orjson
import pytest
from tests.in_process import PRINCIPAL, SHAPES, Api
from tests.keeper.kinesis_stream import ARN
from tests.store.engines import Eventual

from statordb.api.dispatch import Dispatcher
from statordb.engine.contract import Effects, OutcomeUnknown, PageBudget
from statordb.keeper.logs import ROLLING_SECONDS, Logs
from statordb.model.request import Reply, Request
from statordb.model.values import check_item
from statordb.store import changes, entries
from statordb.store.barrier import SKEW_SECONDS
from statordb.store.image import Image
from statordb.store.log import LogRecord, ShardRecord
from statordb.store.store import Store
from statordb.store.streams import Stream

HOUR = 3600.0
ALL = PageBudget(1000, 1 << 20)
KEY = [{"AttributeName": "p", "KeyType": "HASH"}]


def create(api: Api, view: str = "KEYS_ONLY") -> None:
    api(
        "CreateTable",
        TableName="carts",
        KeySchema=KEY,
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": view},
    )


def put(api: Api, *names: str) -> None:
    for name in names:
        api("PutItem", TableName="carts", Item={"p": {"S": name}})


def stream_of(api: Api) -> Stream:
    (stream,), more = api.run(api.store.streams.page(PRINCIPAL.account, PRINCIPAL.region, "carts", None, 10))
    assert not more
    found = api.run(api.store.streams.find(stream.account, stream.region, stream.table, stream.label))
    if not api.store.engine.traits.guards:
        found = replace(found, shards=api.run(api.store.logs.settle(log_of(api))).shards)
    told: Stream = found
    return told


def log_of(api: Api) -> LogRecord:
    (log,) = api.run(api.store.logs.all())
    found: LogRecord = log
    return found


def names_in(api: Api, stream: Stream, shard: str) -> list[str]:
    found: list[Any] = api.run(api.store.logs.read(stream, shard, 0, ALL))
    return [orjson.loads(entries.keys(body))["p"]["S"] for _, body in found]


def test_a_shard_is_rolled_after_four_hours_and_its_child_goes_on(api: Api) -> None:
    create(api)
    put(api, "a", "b")
    api.clock.advance(4 * HOUR)
    api.keep()
    put(api, "c")
    parent, child = stream_of(api).shards
    assert (parent.closed_at is None, child.closed_at) == (False, None)
    assert child.parent == parent.id
    assert parent.id < child.id
    assert (child.lower, child.upper) == (parent.lower, parent.upper)
    assert names_in(api, stream_of(api), parent.id) == ["a", "b"]
    assert names_in(api, stream_of(api), child.id) == ["c"]
    assert parent.start is not None
    assert parent.ending is not None
    assert child.start is not None
    assert parent.start <= parent.ending < child.start


def test_more_shards_than_there_are_come_by_splitting(api: Api) -> None:
    create(api)
    put(api, "a")
    api.store.stream_shards = 4
    api.clock.advance(4 * HOUR)
    api.keep()
    parent, *children = stream_of(api).shards
    assert {child.parent for child in children} == {parent.id}
    edges = sorted((child.lower, child.upper) for child in children)
    assert edges[0][0] == 0
    assert edges[-1][1] == (1 << 64) - 1
    assert all(one[1] + 1 == other[0] for one, other in pairwise(edges))
    put(api, *"bcdefghijklmnop")
    found = [names_in(api, stream_of(api), child.id) for child in children]
    assert sorted(chain.from_iterable(found)) == list("bcdefghijklmnop")
    assert all(found), "sixteen items miss none of four shards"


def test_there_are_never_more_shards_than_are_wanted(api: Api) -> None:
    create(api)
    for wanted in (3, 4, 7, 7):
        api.store.stream_shards = wanted
        api.clock.advance(4 * HOUR)
        api.keep()
        assert sum(shard.closed_at is None for shard in stream_of(api).shards) == wanted


def test_records_go_after_a_day_and_readers_are_told_first(api: Api) -> None:
    create(api)
    put(api, "a")
    api.clock.advance(13 * HOUR)
    put(api, "b")
    api.store.stream_shard_seconds = 1000 * HOUR
    api.clock.advance(12 * HOUR)
    api.keep()
    (shard,) = stream_of(api).shards
    assert names_in(api, stream_of(api), shard.id) == ["b"]
    assert 0 < shard.trimmed < api.run(api.store.logs.end(stream_of(api), shard))


def test_a_closed_shard_is_forgotten_once_its_records_are_gone(api: Api) -> None:
    create(api)
    put(api, "a")
    for _ in range(8):
        api.clock.advance(4 * HOUR)
        api.keep()
    shards = stream_of(api).shards
    assert len(shards) == 8  # seven closed within the last 24 hours, and the open one
    assert shards[0].parent is not None  # it is gone, as on AWS, and still named


def test_a_disabled_stream_stays_for_a_day_and_goes_with_its_log(api: Api) -> None:
    create(api)
    put(api, "a")
    stream = stream_of(api)
    api("DeleteTable", TableName="carts")
    api.keep()
    assert stream_of(api).status_at(api.clock.now()) == "DISABLED"
    assert names_in(api, stream_of(api), stream.shards[0].id) == ["a"]
    api.clock.advance(25 * HOUR)
    api.keep()
    api.clock.advance(61)
    api.keep()
    assert api.run(api.store.streams.page(PRINCIPAL.account, PRINCIPAL.region, None, None, 10)) == ([], False)
    assert api.run(api.store.engine.log(stream.space, stream.shards[0].id.encode(), 0, ALL)) == []


def test_a_log_is_dropped_even_if_the_keeper_dies_between(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its space is named by the stream's record alone, so that goes last."""
    create(api)
    put(api, "a")
    stream = stream_of(api)
    api("DeleteTable", TableName="carts")
    api.keep()
    dropped = AsyncMock(side_effect=OutcomeUnknown("the machine stops"))
    with monkeypatch.context() as broken:
        broken.setattr(api.store.engine, "drop_space", dropped)
        for _ in range(2):
            api.clock.advance(25 * HOUR)
            api.run(api.keeper.turn(api.at + 1000))
            api.at += 1000
    assert dropped.called
    api.faults.clear()
    assert stream_of(api).space == stream.space
    api.clock.advance(61)
    api.keep()
    assert api.run(api.store.streams.all()) == []


def test_a_moment_is_found_in_a_shard(api: Api) -> None:
    create(api)
    moments = []
    for name in "abcdefgh":
        moments.append(api.clock.now())
        put(api, name)
        api.clock.advance(10)
    stream = stream_of(api)
    (shard,) = stream.shards
    for place, moment in enumerate(moments):
        before = api.run(api.store.logs.before(stream, shard, moment))
        found = api.run(api.store.logs.read(stream, shard.id, before, ALL))
        assert len(found) == len(moments) - place
        assert changes.happened_at(found[0].body) == moment
        assert api.run(api.store.logs.at(stream, shard, moment)) == before
    end = api.run(api.store.logs.end(stream, shard))
    assert api.run(api.store.logs.before(stream, shard, moments[-1] + 1)) == end
    assert api.run(api.store.logs.at(stream, shard, moments[-1] + 1)) == end


def test_a_moment_is_found_where_times_do_not_grow(api: Api) -> None:
    """Processes that wait for each other's commits take their places in another order than their times."""
    create(api)
    times = []
    for name, step in zip("abcdefgh", (0.5, -0.4, 0.5, -0.3, 0.0, 0.7, -0.2, 0.1), strict=True):
        api.clock.advance(step)
        times.append(api.clock.now())
        put(api, name)
    stream = stream_of(api)
    (shard,) = stream.shards
    for moment in times:
        after = api.run(api.store.logs.at(stream, shard, moment))
        found = [changes.happened_at(body) for _, body in api.run(api.store.logs.read(stream, shard.id, after, ALL))]
        assert found[0] >= moment - 0.001  # a record's time is kept in whole milliseconds
        assert len(times) - len(found) == next(place for place, time in enumerate(times) if time >= moment)


def test_what_is_too_old_goes_only_once_it_was_noted(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a reader behind would skip it and not be told."""
    create(api)
    put(api, "a")
    api.store.stream_shard_seconds = 1000 * HOUR
    api.clock.advance(25 * HOUR)
    with monkeypatch.context() as broken:
        broken.setattr(api.store.logs, "change", AsyncMock(side_effect=OutcomeUnknown("the disk is full")))
        for _ in range(3):
            api.run(api.keeper.turn(api.at + 1000))
    api.faults.clear()
    (shard,) = stream_of(api).shards
    assert names_in(api, stream_of(api), shard.id) == ["a"]
    api.clock.advance(61)
    api.keep()
    assert names_in(api, stream_of(api), shard.id) == []
    assert stream_of(api).shards[0].trimmed > 0


def test_what_is_to_be_trimmed_is_noted_once_for_a_shard(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where trimming takes longer than it takes to look again."""
    create(api)
    put(api, "a")
    api.store.stream_shard_seconds = 1000 * HOUR
    api.clock.advance(25 * HOUR)
    duty = Logs(api.store)
    monkeypatch.setattr(api.store.engine, "trim", AsyncMock(return_value=True))
    for _ in range(5):
        assert api.run(duty.run_once()) in (True, False)
        api.clock.advance(61)
    assert len(duty._trimming.noted) == 1


def test_a_table_made_over_a_deleted_one_takes_care_of_what_that_left(api: Api) -> None:
    create(api)
    put(api, "a", "b")
    space = api.run(api.store.catalog.find(PRINCIPAL.account, PRINCIPAL.region, "carts")).space
    api("DeleteTable", TableName="carts")
    create(api)
    api.restart()
    api.keep()
    assert api.run(api.store.engine.scan(space, 0, 1, ALL)).rows == []


def test_expiry_is_told_as_the_services_own(api: Api) -> None:
    create(api, "OLD_IMAGE")
    api("UpdateTimeToLive", TableName="carts", TimeToLiveSpecification={"AttributeName": "t", "Enabled": True})
    api("PutItem", TableName="carts", Item={"p": {"S": "a"}, "t": {"N": str(int(api.clock.now()) + 5)}})
    api.clock.advance(20)
    api.keep()
    stream = stream_of(api)
    made = [change.body[1] for change in api.run(api.store.logs.read(stream, stream.shards[0].id, 0, ALL))]
    assert made == [changes.INSERT, changes.REMOVE | changes.SERVICE]


def _image(name: str) -> Image:
    item = {"p": {"S": name}}
    return Image.of(item, check_item(item))


def _changes(logged: Any) -> Effects:
    return Effects(changes=logged)


@pytest.fixture
def eventual(api: Api) -> Eventual:
    engine = Eventual(api.store.engine)
    api.store = Store(engine.as_engine(), api.clock)
    api.dispatcher = Dispatcher(api.store, SHAPES, lambda request, fault: api.faults.append(fault))
    return engine


def as_found(api: Api) -> list[ShardRecord]:
    """The shards of the only stream, as readers find them."""
    ((stream,), _) = api.run(api.store.streams.page(PRINCIPAL.account, PRINCIPAL.region, "carts", None, 10))
    found = api.run(api.store.streams.find(stream.account, stream.region, stream.table, stream.label))
    shards: list[ShardRecord] = found.shards
    return shards


def test_a_closed_shard_ends_only_when_no_late_write_can_come(api: Api, eventual: Eventual) -> None:
    """Another process may still write by the old schema, or have written what can't be read yet. Until that is over,
    readers go on as if the shard were open, and lose nothing."""
    create(api)
    put(api, "a")
    (shard,) = as_found(api)
    ((stream,), _) = api.run(api.store.streams.page(PRINCIPAL.account, PRINCIPAL.region, "carts", None, 10))
    old = api.run(api.store.catalog.find(PRINCIPAL.account, PRINCIPAL.region, "carts"))
    api.clock.advance(4 * HOUR)
    duty = Logs(api.store)
    api.run(duty.run_once())
    api.run(duty.run_once())
    (parent, child) = as_found(api)
    assert (parent.closed_at is None, parent.ending, child.start) == (False, None, None)

    key = old.primary.key({"p": {"S": "late"}})
    logged = old.log.logged(key, None, _image("late"), False, api.clock.now())
    api.run(eventual.inner.update((), lambda stored: _changes(logged)))
    iterator = api("GetShardIterator", StreamArn=stream.arn, ShardId=shard.id, ShardIteratorType="TRIM_HORIZON")
    answer = api("GetRecords", ShardIterator=iterator["ShardIterator"])
    assert [record["dynamodb"]["Keys"]["p"]["S"] for record in answer["Records"]] == ["a", "late"]
    assert "NextShardIterator" in answer

    api.clock.advance(SKEW_SECONDS)
    eventual.hidden_above = int(answer["Records"][-1]["dynamodb"]["SequenceNumber"][1:])
    api.run(duty.run_once())
    assert as_found(api)[0].ending is None
    eventual.hidden_above = None
    api.run(duty.run_once())
    (parent, child) = as_found(api)
    assert parent.ending == int(answer["Records"][-1]["dynamodb"]["SequenceNumber"][1:])
    assert child.start == 0  # numbers of other items may be lower than those of the parent
    assert "NextShardIterator" not in api("GetRecords", ShardIterator=answer["NextShardIterator"])


def test_a_stream_is_disabled_once_nothing_can_come_any_more(api: Api, eventual: Eventual) -> None:
    """Who waits for DISABLED finds that all shards have an end, as on AWS."""
    create(api)
    put(api, "a")
    api("UpdateTable", TableName="carts", StreamSpecification={"StreamEnabled": False})
    ((stream,), _) = api.run(api.store.streams.page(PRINCIPAL.account, PRINCIPAL.region, "carts", None, 10))

    def described() -> tuple[str, bool]:
        found = api("DescribeStream", StreamArn=stream.arn)["StreamDescription"]
        ranges = [shard["SequenceNumberRange"] for shard in found["Shards"]]
        return found["StreamStatus"], all("EndingSequenceNumber" in each for each in ranges)

    duty = Logs(api.store)
    api.run(duty.run_once())
    assert described() == ("DISABLING", False)
    api.clock.advance(SKEW_SECONDS)
    api.run(duty.run_once())
    assert described() == ("DISABLED", True)


def test_a_shard_closed_meanwhile_waits_for_a_barrier_of_its_own(api: Api, eventual: Eventual) -> None:
    create(api)
    api.clock.advance(4 * HOUR)
    duty = Logs(api.store)
    api.run(duty.run_once())
    api.run(duty.run_once())
    api.clock.advance(SKEW_SECONDS)
    api("DeleteTable", TableName="carts")
    api.run(duty.run_once())
    assert [shard.ending for shard in as_found(api)] == [None, None]
    api.clock.advance(SKEW_SECONDS)
    api.run(duty.run_once())
    assert None not in [shard.ending for shard in as_found(api)]
    assert not duty._barriers


async def of_age(api: Api) -> None:
    await Logs(api.store).run_once()


async def for_a_reader(api: Api) -> None:
    """One who begins to read."""
    request = {"TableName": "carts", "StreamArn": ARN}
    reply = api.dispatcher.handle(Request("EnableKinesisStreamingDestination", orjson.dumps(request), PRINCIPAL, "id"))
    assert (reply if isinstance(reply, Reply) else await reply).status == 200


@pytest.mark.parametrize("replace_shards", [of_age, for_a_reader])
def test_an_item_changes_in_its_order_over_shards_that_are_replaced(
    api: Api, replace_shards: Callable[[Api], Awaitable[None]]
) -> None:
    """Also where one process learns of it later than another, and both write all the time."""
    engine = Eventual(api.store.engine)
    api.store = Store(engine.as_engine(), api.clock)
    dispatchers = [
        Dispatcher(Store(each, api.clock), SHAPES, lambda request, fault: api.faults.append(fault))
        for each in (engine.as_engine(), engine.late().as_engine())
    ]
    api.dispatcher = dispatchers[0]
    create(api, "NEW_AND_OLD_IMAGES")
    writing: list[asyncio.Task[int]] = []
    numbers = iter(range(1000))

    async def write(dispatcher: Dispatcher) -> int:
        item = {"p": {"S": "a"}, "n": {"N": str(next(numbers))}}
        body = orjson.dumps({"TableName": "carts", "Item": item})
        reply = dispatcher.handle(Request("PutItem", body, PRINCIPAL, "id"))
        return (reply if isinstance(reply, Reply) else await reply).status

    async def write_meanwhile() -> None:
        """Some of these have to wait, so they are not waited for."""
        for _ in range(3):
            for dispatcher in dispatchers:
                writing.append(asyncio.create_task(write(dispatcher)))
                await asyncio.sleep(0.02)

    async def roll() -> list[int]:
        await asyncio.gather(*map(write, dispatchers))  # so that both know the table
        engine.meanwhile = write_meanwhile
        await replace_shards(api)
        engine.meanwhile = None
        return await asyncio.gather(*writing)

    api.clock.advance(4 * HOUR)
    statuses = api.run(roll())
    assert statuses == [200] * len(statuses)
    stream = stream_of(api)
    parent, child = stream.shards
    assert (parent.closed_at is None, child.closed_at) == (False, None)
    assert not log_of(api).rolling
    found = [
        [
            orjson.loads(b"{%b}" % entries.View("NEW_AND_OLD_IMAGES").members(body))
            for _, body in api.run(api.store.logs.read(stream, each, 0, ALL))
        ]
        for each in (parent.id, child.id)
    ]
    assert all(found), "some of the writes were made before the change, some after"
    records = list(chain.from_iterable(found))
    assert all(one["NewImage"] == other["OldImage"] for one, other in pairwise(records))
    assert len(records) == len(statuses) + 2


def test_a_change_that_is_refused_has_nobody_wait(api: Api, eventual: Eventual) -> None:
    create(api)
    announcements = eventual.announcements
    api.refused(
        "UpdateTable",
        TableName="carts",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    assert eventual.announcements == announcements
    assert not log_of(api).rolling


def test_a_roll_that_somebody_left_half_done_is_finished(api: Api, eventual: Eventual) -> None:
    """The writes of the table pause until then."""
    create(api)
    eventual.meanwhile = AsyncMock(side_effect=[None, OutcomeUnknown("the machine stops")])
    with pytest.raises(AssertionError):
        api.run(for_a_reader(api))
    assert isinstance(api.faults.pop(), OutcomeUnknown)
    eventual.meanwhile = None
    duty = Logs(api.store)
    api.run(duty.run_once())
    assert log_of(api).rolling, "who does it may still be about to"
    api.clock.advance(ROLLING_SECONDS)
    announcements = eventual.announcements
    api.run(duty.run_once())
    assert eventual.announcements == announcements + 2, "who had the writes pause may not have seen that they do"
    put(api, "a")
    assert not log_of(api).rolling
