"""A process may end after any write of an operation or a duty: another one finishes it, or nothing is left of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.in_process import SHAPES, Api
from tests.invariants import check
from tests.keeper.kinesis_stream import AMPLE, ARN, Memory, duty_of, work
from tests.store.engines import Died, Mortal

from statordb.api.dispatch import Dispatcher
from statordb.keeper.keeper import Keeper
from statordb.keeper.packages import Packages
from statordb.keeper.spaces import UNNAMED_SECONDS
from statordb.store.logs import RETENTION_SECONDS
from statordb.store.store import Store

DEATHS_MAX = 200  # of one story, for one that never ends
PROJECTION = {"ProjectionType": "ALL"}
STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}

Story = Callable[[Api], object]


def keys(*names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=False)]


def create(api: Api, **more: Any) -> None:
    api(
        "CreateTable",
        TableName="abc",
        KeySchema=keys("p", "s"),
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in "pslg"],
        LocalSecondaryIndexes=[{"IndexName": "local", "KeySchema": keys("p", "l"), "Projection": PROJECTION}],
        GlobalSecondaryIndexes=[{"IndexName": "global", "KeySchema": keys("g"), "Projection": PROJECTION}],
        BillingMode="PAY_PER_REQUEST",
        **more,
    )


def created(api: Api) -> None:
    """A table with items in all of its indexes, and a stream."""
    create(api, StreamSpecification=STREAM)
    for number in range(6):
        api("PutItem", TableName="abc", Item=item(number))


def item(number: int) -> dict[str, Any]:
    text = {"S": f"x{number}"}
    return {"p": {"S": "p"}, "s": text, "l": text, "g": text, "h": text, "t": {"N": str(1_700_000_100 + number)}}


def update(api: Api, **changes: Any) -> None:
    api("UpdateTable", TableName="abc", **changes)


def index(api: Api) -> None:
    """Adds one that is to be built."""
    made = {"IndexName": "later", "KeySchema": keys("h"), "Projection": PROJECTION}
    update(
        api,
        AttributeDefinitions=[{"AttributeName": "h", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[{"Create": made}],
    )


def expire(api: Api) -> None:
    specification = {"AttributeName": "t", "Enabled": True}
    api("UpdateTimeToLive", TableName="abc", TimeToLiveSpecification=specification)


def enable_kinesis(api: Api) -> None:
    api("EnableKinesisStreamingDestination", TableName="abc", StreamArn=ARN)


def nothing(api: Api) -> None:
    pass


def fed(api: Api) -> None:
    create(api)
    enable_kinesis(api)


def both(api: Api) -> None:
    created(api)
    enable_kinesis(api)


def deleted(api: Api) -> None:
    created(api)
    api("DeleteTable", TableName="abc")


OPERATIONS: dict[str, tuple[Story, Story]] = {
    "create": (nothing, lambda api: create(api, StreamSpecification=STREAM)),
    "create over a deleted one": (deleted, lambda api: create(api, StreamSpecification=STREAM)),
    "delete": (created, lambda api: api("DeleteTable", TableName="abc")),
    "add an index": (created, index),
    "remove an index": (
        created,
        lambda api: update(api, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "global"}}]),
    ),
    "disable the stream": (created, lambda api: update(api, StreamSpecification={"StreamEnabled": False})),
    "enable a stream": (create, lambda api: update(api, StreamSpecification=STREAM)),
    "enable time to live": (created, expire),
    "enable kinesis": (created, enable_kinesis),
    "enable a stream beside kinesis": (fed, lambda api: update(api, StreamSpecification=STREAM)),
    "disable the stream beside kinesis": (
        both,
        lambda api: update(api, StreamSpecification={"StreamEnabled": False}),
    ),
    "delete what kinesis is fed of": (both, lambda api: api("DeleteTable", TableName="abc")),
    "write": (created, lambda api: api("PutItem", TableName="abc", Item=item(7))),
}
"""What there is, and what is done then."""


class Stage:
    """A store in which somebody dies, again and again from the same beginning."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._number = 0

    def each_death(self, before: Story, story: Story, after: Callable[[Api], None]) -> None:
        for lives in range(1, DEATHS_MAX):
            self._number += 1
            api = Api(self._directory / str(self._number))
            before(api)
            died = self._die(api, story, lives)
            after(api)
            api.close()
            if not died:
                assert lives > 1, "nothing was written"
                return
        pytest.fail("the story does not end")

    def _die(self, api: Api, story: Story, lives: int) -> bool:
        engine = Mortal(api.store.engine, lives)
        api.store = Store(engine.as_engine(), api.clock)
        api.dispatcher = Dispatcher(api.store, SHAPES, lambda request, fault: api.faults.append(fault))
        api.keeper = Keeper(api.store, lambda duty, fault: api.faults.append(fault))
        try:
            story(api)
        except Died:
            pass
        api.faults.clear()
        api.store = Store(engine.inner, api.clock)
        api.restart()
        return engine.dead


@pytest.fixture
def stage(directory: Path) -> Stage:
    return Stage(directory)


def keep_all(api: Api) -> None:
    """Let the keeper find what is left over."""
    for _ in range(3):
        api.keep(5)
        api.clock.advance(UNNAMED_SECONDS)
    api.keep(5)


@pytest.mark.slow
@pytest.mark.parametrize("name", OPERATIONS)
def test_nothing_is_left_of_an_operation_that_died(stage: Stage, name: str) -> None:
    def after(api: Api) -> None:
        keep_all(api)
        api.run(check(api.store))

    stage.each_death(*OPERATIONS[name], after)


def busy(api: Api) -> None:
    """There is something to do for every duty."""
    created(api)
    expire(api)
    update(api, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "global"}}])
    index(api)
    transacted = {"Put": {"TableName": "abc", "Item": {**item(9), "t": {"N": "1800000000"}}}}
    api("TransactWriteItems", ClientRequestToken="token", TransactItems=[transacted])
    api.run(api.store.engine.create_space())
    api.clock.advance(UNNAMED_SECONDS)


@pytest.mark.slow
@pytest.mark.parametrize("hours", [0, 5, 25])
def test_whatever_a_keeper_leaves_the_next_one_finishes(stage: Stage, hours: int) -> None:
    def story(api: Api) -> None:
        api.keep(3)
        api.clock.advance(hours * 3600.0 + UNNAMED_SECONDS)
        api.keep(3)

    def after(api: Api) -> None:
        api.run(check_names_are_there(api))
        keep_all(api)
        api.run(check(api.store))

    stage.each_death(busy, story, after)


async def check_names_are_there(api: Api) -> None:
    """Also right after the death: nothing that is named was given back."""
    there = set(await api.store.engine.spaces())
    for table in await api.store.catalog.all():
        assert table.space in there
    for log in await api.store.logs.all():
        assert log.spaces <= there or not log.views


@pytest.mark.slow
def test_a_deleted_table_goes_whole_with_its_stream(stage: Stage) -> None:
    def story(api: Api) -> None:
        api.keep(3)
        api.clock.advance(RETENTION_SECONDS + 3600)
        api.keep(5)

    def after(api: Api) -> None:
        keep_all(api)
        api.clock.advance(RETENTION_SECONDS + 3600)
        keep_all(api)
        assert api.run(api.store.engine.spaces()) == []
        assert api.run(api.store.catalog.all()) == []

    stage.each_death(deleted, story, after)


@pytest.mark.slow
def test_no_change_is_lost_on_its_way_to_kinesis(stage: Stage) -> None:
    sent: list[Memory] = []

    def before(api: Api) -> None:
        created(api)
        enable_kinesis(api)
        sent.append(Memory())

    def story(api: Api) -> None:
        duty = duty_of(api, sent[-1])
        work(api, duty, 3)
        for number in range(3):
            api("UpdateItem", TableName="abc", Key={name: item(number)[name] for name in "ps"},
                UpdateExpression="SET n = :n", ExpressionAttributeValues={":n": {"N": str(number)}})  # fmt: skip
            api.clock.advance(2)
            work(api, duty, 3)
        api("DisableKinesisStreamingDestination", TableName="abc", StreamArn=ARN)
        work(api, duty, 3)

    def after(api: Api) -> None:
        work(api, duty_of(api, sent[-1]), 5)
        changed = {found["n"]["N"] for found in api("Scan", TableName="abc")["Items"] if "n" in found}
        told = {event["dynamodb"]["NewImage"]["n"]["N"] for event in sent[-1].told()}
        assert told == changed
        keep_all(api)
        api.run(check(api.store))

    stage.each_death(before, story, after)


@pytest.mark.slow
def test_a_package_that_nobody_names_goes_whole(stage: Stage) -> None:
    def before(api: Api) -> None:
        api.run(api.store.functions.put_code(b"x" * (1 << 20)))

    def sweep(api: Api) -> None:
        duty = Packages(api.store)
        api.run(duty.run_once())
        api.clock.advance(UNNAMED_SECONDS)
        api.run(duty.run_once())

    def after(api: Api) -> None:
        sweep(api)
        for space in (6, 7):
            assert api.run(api.store.engine.scan(space, 0, 1, AMPLE)).bodies == []

    stage.each_death(before, sweep, after)
    stage.each_death(nothing, before, after)
