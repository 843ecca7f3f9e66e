"""What is owed arrives, to the same end however often and in whatever order it is delivered."""

import asyncio
import random
import secrets
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from tests.engine.cassandra.processes import Fleet

from statordb.engine.cassandra.cluster.clock import STEP
from statordb.engine.cassandra.cql import keys, rows, schema
from statordb.engine.cassandra.cql.session import Unreachable
from statordb.engine.cassandra.owed.owed import Derived, Owed
from statordb.engine.contract import PageBudget

Run = Callable[[Coroutine[Any, Any, Any]], Any]
AMPLE = PageBudget(1000, 1 << 20)
INDEX = keys.space_id(777, keys.DERIVED)


@pytest.fixture
def index(fleet: Fleet, run: Run) -> int:
    """A derived space."""
    run(fleet.session.schema(schema.create_rows_table(keys.table_of(INDEX))))
    return INDEX


def test_derived_rows_come_to_the_same_end(fleet: Fleet, index: int, run: Run) -> None:
    dice = random.Random(3)
    owed = []
    for version in range(1, 20):
        body = dice.choice((None, b"%d" % version))
        owed.append((version * STEP, Owed([Derived(index, b"p", b"s", body, version * STEP)], [], False)))

    async def story() -> None:
        process = await fleet.join()
        partition = secrets.token_bytes(8)
        select = rows.select(keys.table_of(index))
        for attempt in range(4):
            deliveries = dice.sample(owed * 2, len(owed) * 2)
            for version, each in deliveries:
                row = each.derived[0]._replace(partition=partition + b"%d" % attempt)
                await process.relay.deliver(version, each._replace(derived=[row]))
            place = keys.stored_partition(partition + b"%d" % attempt), 0, b"s"
            there = await fleet.session.rows(select, *place)
            assert (there[0][0] if there else None) == owed[-1][1].derived[0].body

    run(story())


def test_changes_are_numbered_in_their_order(fleet: Fleet, run: Run) -> None:
    stream = secrets.randbits(40)
    shards = [b"a", b"a", b"b", b"a", b"b", b"b"]

    async def story() -> None:
        process = await fleet.join()
        entry = await process.journal.open([])
        version = process.clock.next(count=len(shards))
        owed = Owed([], [(stream, shard, b"%d" % at) for at, shard in enumerate(shards)], False)
        for _ in range(2):
            await process.relay.deliver(version, owed)
        entry.close()
        for shard in (b"a", b"b"):
            changes = await process.logs.read(stream, shard, 0, AMPLE)
            expected = [(version + at * STEP, b"%d" % at) for at, each in enumerate(shards) if each == shard]
            assert [tuple(change) for change in changes] == expected

    run(story())


def test_what_is_owed_to_a_dropped_space_is_nothing(fleet: Fleet, run: Run) -> None:
    gone = keys.space_id(778, keys.DERIVED)

    async def story() -> None:
        process = await fleet.join()
        put, delete = Derived(gone, b"p", b"s", b"x", 1), Derived(gone, b"p", b"s", None, 1)
        await process.relay.deliver(1, Owed([put, delete], [], False))
        await process.relay.forget(keys.table_of(gone), b"p", 1)

    run(story())


def test_an_announcement_comes_after_the_rest(fleet: Fleet, index: int, run: Run) -> None:
    async def story() -> None:
        process = await fleet.join()
        epoch = process.membership.epoch
        await process.relay.deliver(1, Owed([Derived(index, b"p", b"s", b"x", 1)], [], False))
        assert process.membership.epoch == epoch
        await process.relay.deliver(1, Owed([], [], True))
        assert process.membership.epoch > epoch

    run(story())


def test_a_forgotten_pending_row_is_gone(fleet: Fleet, run: Run) -> None:
    """Though it was written by a conditional batch, with a time that Cassandra gave it."""

    async def story() -> None:
        process = await fleet.join()
        partition, version = secrets.token_bytes(8), process.clock.next()
        spot = keys.PENDING, version.to_bytes(8, "big")
        batch = [
            rows.put("own1", partition, (0, b""), b"x", version, 0),
            rows.derive("own1", partition, spot, b"owed"),
        ]
        assert await fleet.session.conditional(batch) is None
        select = rows.select("own1")
        assert len(await fleet.session.rows(select, partition, *spot)) == 1
        await process.relay.forget("own1", partition, version)
        assert await fleet.session.rows(select, partition, *spot) == []
        assert len(await fleet.session.rows(select, partition, 0, b"")) == 1

    run(story())


def test_pending_rows_are_forgotten_together_and_one_whose_table_is_gone_holds_up_nobody(
    fleet: Fleet, run: Run
) -> None:
    async def story() -> None:
        process = await fleet.join()
        places = [(secrets.token_bytes(8), process.clock.next()) for _ in range(25)]
        for partition, version in places:
            spot = keys.PENDING, version.to_bytes(8, "big")
            batch = [
                rows.put("own1", partition, (0, b""), b"x", version, 0),
                rows.derive("own1", partition, spot, b"owed"),
            ]
            assert await fleet.session.conditional(batch) is None
        gone = process.relay.forget("s7777", b"p", 1)
        await asyncio.gather(gone, *(process.relay.forget("own1", *place) for place in places))
        for partition, version in places:
            left = await fleet.session.rows(rows.select("own1"), partition, keys.PENDING, version.to_bytes(8, "big"))
            assert left == []

    run(story())


def test_who_waits_for_a_pending_row_to_be_forgotten_is_told_that_it_could_not(fleet: Fleet, run: Run) -> None:
    async def story() -> None:
        process = await fleet.join()
        process.line.cut = True
        found = await asyncio.gather(
            *(process.relay.forget("own1", b"p", version) for version in range(3)), return_exceptions=True
        )
        assert [type(fault) for fault in found] == [Unreachable] * 3
        process.line.cut = False
        await process.relay.forget("own1", b"p", 1)

    run(story())
