"""Another key of KMS, or new material of it, comes to be that of all rows of a table."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest
from tests.api.kms_calls import kms, new_key
from tests.api.table_keys import (
    AMPLE,
    DAY,
    SCOPE,
    all_by,
    by_hash,
    change,
    create,
    item,
    items,
    put,
    records,
    sealed_by,
    sse,
    status,
    table_of,
)
from tests.in_process import Api

from statordb.crypto.sealer import Unsealable
from statordb.engine.contract import Effects, Key, PageBudget
from statordb.keeper import resealing
from statordb.keeper.resealing import Resealing
from statordb.model.values import item_size
from statordb.store import codec
from statordb.store.image import Image
from statordb.store.kms.records import OWNED
from statordb.store.sealed.engine import SealedEngine
from statordb.store.store import Store


@pytest.fixture
def api(api: Api) -> Iterator[Api]:
    yield api
    assert not api.faults


@pytest.fixture
def key(api: Api) -> str:
    return new_key(api)


@pytest.mark.parametrize("change_to", ["another", "none"])
def test_a_change_of_the_key_seals_all_rows_anew(api: Api, key: str, change_to: str) -> None:
    create(api, key)
    for number in range(120):
        put(api, number)
    before, told = items(api), records(api)
    to = new_key(api) if change_to == "another" else None
    change(api, to)
    put(api, 119)
    assert status(api) == "UPDATING"
    assert items(api) == before
    api.keep()
    name = OWNED if to is None else f"kms:{to}#0"
    assert sealed_by(api) == all_by(name, 120)
    assert status(api) == (None if to is None else "ENABLED")
    assert records(api) == told
    kms(api, "ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=7)
    api.clock.advance(7 * DAY)
    api.keep()
    api.restart()
    assert items(api) == before, "nothing needs the key of before"


def test_a_table_gets_the_key_that_aws_manages(api: Api) -> None:
    create(api)
    put(api, 1)
    change(api, "alias/aws/dynamodb")
    api.keep()
    managed = kms(api, "DescribeKey", KeyId="alias/aws/dynamodb")["KeyMetadata"]["Arn"]
    assert sealed_by(api) == all_by(f"kms:{managed}#0", 1)


def test_a_rotated_key_opens_what_it_sealed_until_that_is_sealed_anew(api: Api, key: str) -> None:
    create(api, key)
    put(api, 1)
    kms(api, "RotateKeyOnDemand", KeyId=key)
    api.restart()
    assert len(items(api)) == 1
    assert sealed_by(api) == all_by(f"kms:{key}#0", 1)
    api.keep()
    put(api, 2)
    assert sealed_by(api) == all_by(f"kms:{key}#1", 2)
    assert status(api) == "ENABLED"
    assert len(items(api)) == 2


def test_a_table_of_before_is_sealed_under_its_key(api: Api, key: str) -> None:
    """There was a time when keys of tables wrapped nothing."""
    create(api)
    put(api, 1)
    api.run(api.store.catalog.change(*SCOPE, lambda record: replace(record, key_arn=key)))  # type: ignore[type-var]
    assert status(api) == "UPDATING"
    put(api, 2)
    api.keep()
    assert sealed_by(api) == all_by(f"kms:{key}#0", 2)
    assert status(api) == "ENABLED"


def test_a_key_of_before_that_is_disabled_closes_the_table_until_it_is_enabled(api: Api, key: str) -> None:
    """As long as rows are sealed under it; sealing anew goes on then."""
    create(api, key)
    for number in range(3):
        put(api, number)
    change(api, new_key(api))
    kms(api, "DisableKey", KeyId=key)
    get = {"TableName": "abc", "Key": {name: item(1)[name] for name in "ps"}}
    assert api.refused("GetItem", **get).message.startswith("KMS key disabled error")
    assert api("DescribeTable", TableName="abc")["Table"]["TableStatus"] == "INACCESSIBLE_ENCRYPTION_CREDENTIALS"
    api.keep()
    assert status(api) == "UPDATING"
    kms(api, "EnableKey", KeyId=key)
    api("GetItem", **get)
    api.keep()
    assert status(api) == "ENABLED"
    kms(api, "DisableKey", KeyId=key)
    assert len(items(api)) == 3


class Work:
    """The duty, piece by piece, of a table that is given another key."""

    def __init__(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(resealing, "_CHUNK", PageBudget(4, 1 << 20))
        self.api = api
        self.begin()

    def begin(self) -> None:
        """As whoever takes it over."""
        self.duty = Resealing(self.api.store)

    def step(self) -> bool:
        found: bool = self.api.run(self.duty.run_once())
        return found

    def finish(self) -> int:
        steps = 0
        while self.step():
            steps += 1
            assert steps < 500
        return steps


def test_it_goes_on_after_a_restart_wherever_it_was_broken_off(
    api: Api, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(api, key)
    for number in range(12):
        put(api, number)
    before = items(api)
    to = new_key(api)
    change(api, to)
    work = Work(api, monkeypatch)
    for steps in range(8):
        for _ in range(steps):
            work.step()
        api.restart()
        work.begin()
        assert items(api) == before
    work.finish()
    assert sealed_by(api) == all_by(f"kms:{to}#0", 12)
    assert items(api) == before


def test_a_table_that_is_deleted_meanwhile_is_let_go(api: Api, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    create(api, key)
    for number in range(12):
        put(api, number)
    change(api, new_key(api))
    work = Work(api, monkeypatch)
    for _ in range(3):
        work.step()
    api("DeleteTable", TableName="abc")
    assert work.finish() == 0
    api.keep()
    create(api, key)
    assert work.finish() == 0
    assert items(api) == []


def test_an_index_that_goes_meanwhile_and_one_that_comes(api: Api, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    create(api, key)
    for number in range(12):
        put(api, number)
    to = new_key(api)
    change(api, to)
    work = Work(api, monkeypatch)
    for _ in range(2):
        work.step()
    api("UpdateTable", TableName="abc", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "global"}}])
    work.step()
    made = {"IndexName": "global", "KeySchema": by_hash("l"), "Projection": {"ProjectionType": "ALL"}}
    api("UpdateTable", TableName="abc", GlobalSecondaryIndexUpdates=[{"Create": made}],
        AttributeDefinitions=[{"AttributeName": "l", "AttributeType": "S"}])  # fmt: skip
    assert work.finish() == 0, "it waits until the index is built"
    api.keep()
    work.finish()
    assert sealed_by(api) == all_by(f"kms:{to}#0", 12)


def test_an_entry_that_was_left_behind_goes(api: Api, key: str) -> None:
    """As it may be on its way out where indexes are eventual: nothing is left that needs the key of before."""
    create(api, key)
    put(api, 1)
    put(api, 2)
    table, engine = table_of(api), api.store.engine
    entries = api.run(engine.scan(table.indexes[0].space, 0, 1, AMPLE)).rows
    strays = [
        (Key(table.indexes[0].space, row.partition, row.sort + b"stray"), body, None)
        for row, body in ((entries[0], entries[0].body), (entries[1], codec.encode(item(9), 0)))
    ]
    api.run(engine.update((), lambda stored: Effects(derived=strays)))
    to = new_key(api)
    change(api, to)
    api.keep()
    assert sealed_by(api) == all_by(f"kms:{to}#0", 2)
    assert len(items(api)) == 2


def test_a_damaged_row_is_told_and_is_in_no_other_tables_way(api: Api, key: str) -> None:
    create(api, key)
    put(api, 1)
    api(
        "CreateTable", TableName="another", KeySchema=by_hash("p"), BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}], SSESpecification=sse(key),
    )  # fmt: skip
    table, engine = table_of(api), api.store.engine
    assert isinstance(engine, SealedEngine)
    row = engine.ring.places.key(Key(table.space, b"p1", b"001"))
    body = api.run(engine.under.get(row)).body
    torn = Effects(writes=((row, body[:-1]),))
    api.run(engine.under.update((row,), lambda stored: torn))
    kms(api, "RotateKeyOnDemand", KeyId=key)
    duty = Resealing(api.store)
    told: list[Exception] = []
    for _ in range(12):
        try:
            api.run(duty.run_once())
        except ExceptionGroup as faults:
            told += faults.exceptions
    assert {type(fault) for fault in told} == {Unsealable}
    another = api.run(api.store.catalog.reload(*SCOPE[:2], "another"))
    assert another.record.sealed_by == [f"kms:{key}#1"]
    assert len(table_of(api).record.sealed_by) == 2


def test_a_second_change_begins_it_anew(api: Api, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    create(api, key)
    for number in range(12):
        put(api, number)
    work = Work(api, monkeypatch)
    second = new_key(api)
    change(api, second)
    for _ in range(5):
        work.step()
    change(api, key)
    for _ in range(2):
        work.step()
    change(api, None)
    work.finish()
    assert sealed_by(api) == all_by(OWNED, 12)
    assert table_of(api).record.sealed_by == [OWNED]


@pytest.mark.parametrize("seed", range(4))
def test_concurrent_writes_of_two_processes_are_neither_lost_nor_left_behind(
    api: Api, key: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each piece of the work runs while both write, whichever comes first."""
    random = Random(seed)
    create(api, key)
    other = api.another()
    for number in range(20):
        put(api, number)
    work = Work(api, monkeypatch)
    kept = {number: item(number) for number in range(20)}

    async def write(store: Store, number: int, value: int) -> None:
        table = await store.catalog.find(*SCOPE)
        assert table is not None
        made = item(number, v={"N": str(value)}, g={"S": random.choice("gh")})
        gone = random.random() < 0.3
        image = None if gone else Image.of(made, item_size(made))
        await table.write(table.primary.key(made), lambda old: image)
        if gone:
            kept.pop(number, None)
        else:
            kept[number] = made

    async def some() -> None:
        numbers = random.sample(range(30), 6)
        stores = [random.choice((api.store, other)) for _ in numbers]
        writes = [write(store, number, random.randrange(1000)) for store, number in zip(stores, numbers, strict=True)]
        await asyncio.gather(work.duty.run_once(), *writes)

    changes = [new_key(api), None, key]
    for to in changes:
        change(api, to)
        for _ in range(12):
            api.run(some())
    work.finish()
    found = items(api)
    assert found == sorted(kept.values(), key=str)
    counts = sealed_by(api)
    assert counts == all_by(f"kms:{key}#0", len(kept))
