"""Rows of tables that have a key of KMS: what they are sealed under, and how another key comes to be theirs."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from tests.api.kms_calls import kms, new_key
from tests.engine.sealed import seal
from tests.in_process import Api

from statordb.crypto.file_keys import FileKeys
from statordb.crypto.rows import key_id_of
from statordb.crypto.sealer import Sealer, Unsealable
from statordb.engine.contract import Bounds, Effects, Key, PageBudget
from statordb.engine.lmdb.engine import LmdbEngine
from statordb.engine.lmdb.lane import LaneEngine
from statordb.keeper import resealing
from statordb.keeper.resealing import Resealing
from statordb.model.errors import ClientError
from statordb.model.values import item_size
from statordb.store import codec
from statordb.store.image import Image
from statordb.store.kms.records import OWNED
from statordb.store.sealed import table_keys
from statordb.store.sealed.engine import SealedEngine
from statordb.store.store import Store
from statordb.store.table import Table

AMPLE = PageBudget(1000, 1 << 30)
DAY = 86_400.0
SCOPE = ("000000000000", "us-east-1", "abc")


def by_hash(name: str, *further: str) -> list[dict[str, str]]:
    ranges = [{"AttributeName": each, "KeyType": "RANGE"} for each in further]
    return [{"AttributeName": name, "KeyType": "HASH"}, *ranges]


def create(api: Api, key: str | None = None) -> None:
    """A table with indexes of every kind and a stream."""
    whole = {"ProjectionType": "ALL"}
    some = {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["v"]}
    encrypted: dict[str, Any] = {} if key is None else {"SSESpecification": sse(key)}
    api(
        "CreateTable",
        TableName="abc",
        KeySchema=by_hash("p", "s"),
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in "psgl"],
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[{"IndexName": "global", "KeySchema": by_hash("g"), "Projection": some}],
        LocalSecondaryIndexes=[{"IndexName": "local", "KeySchema": by_hash("p", "l"), "Projection": whole}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        **encrypted,
    )
    api("UpdateTimeToLive", TableName="abc", TimeToLiveSpecification={"AttributeName": "t", "Enabled": True})
    api.keep()


def sse(key: str | None) -> dict[str, Any]:
    return {"Enabled": False} if key is None else {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}


def item(number: int, **more: dict[str, str]) -> dict[str, dict[str, str]]:
    due = {"t": {"N": str(4_000_000_000 + number)}}
    return {"p": {"S": f"p{number % 7}"}, "s": {"S": f"{number:03}"}, "g": {"S": "g"}, "l": {"S": "l"}, **due, **more}


def put(api: Api, number: int, **more: dict[str, str]) -> None:
    api("PutItem", TableName="abc", Item=item(number, **more))


def change(api: Api, key: str | None) -> None:
    api("UpdateTable", TableName="abc", SSESpecification=sse(key))


def table_of(api: Api) -> Table:
    found = api.run(api.store.catalog.reload(*SCOPE))
    assert isinstance(found, Table)
    return found


def sealed_by(api: Api) -> Counter[tuple[str, str]]:
    """How many rows of a table are sealed by what: pairs of kind of row and what wraps its data key."""
    table, engine = table_of(api), api.store.engine
    assert isinstance(engine, SealedEngine)
    assert table.expiry is not None
    spaces = {"item": table.space, "expiry": table.expiry.space, **{each.name: each.space for each in table.indexes}}
    found: Counter[tuple[str, str]] = Counter()
    for kind, space in spaces.items():
        for body in api.run(engine.under.scan(space, 0, 1, AMPLE)).bodies:
            found[kind, api.run(engine.ring.wrapped_by(key_id_of(body)))] += 1
    return found


def all_by(name: str, count: int) -> Counter[tuple[str, str]]:
    return Counter({(kind, name): count for kind in ("item", "expiry", "global", "local")})


def status(api: Api) -> str | None:
    found: str | None = api("DescribeTable", TableName="abc")["Table"].get("SSEDescription", {}).get("Status")
    return found


def items(api: Api) -> list[Any]:
    found = [api("Scan", TableName="abc", **index)["Items"] for index in ({}, {"IndexName": "local"})]
    assert sorted(map(str, found[0])) == sorted(map(str, found[1]))
    counted = api("DescribeTable", TableName="abc")["Table"]
    entries = api("Scan", TableName="abc", IndexName="global")["Count"]
    assert (counted["ItemCount"], counted["GlobalSecondaryIndexes"][0]["ItemCount"]) == (len(found[0]), entries)
    return sorted(found[0], key=str)


def records(api: Api) -> int:
    """How many records the table's stream has."""
    stream = api("DescribeTable", TableName="abc")["Table"]["LatestStreamArn"]
    found = 0
    for shard in api("DescribeStream", StreamArn=stream)["StreamDescription"]["Shards"]:
        at = {"StreamArn": stream, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        iterator = api("GetShardIterator", **at)["ShardIterator"]
        found += len(api("GetRecords", ShardIterator=iterator)["Records"])
    return found


def data_keys(api: Api) -> int:
    engine = api.store.engine
    assert isinstance(engine, SealedEngine)
    return len(api.run(engine.under.scan(11, 0, 1, AMPLE)).bodies)


@pytest.fixture
def api(api: Api) -> Iterator[Api]:
    yield api
    assert not api.faults


@pytest.fixture
def key(api: Api) -> str:
    return new_key(api)


def test_rows_of_every_kind_are_sealed_under_the_key_of_their_table(api: Api, key: str) -> None:
    create(api, key)
    for number in range(3):
        put(api, number)
    api("TransactWriteItems", TransactItems=[{"Put": {"TableName": "abc", "Item": item(3)}}])
    assert sealed_by(api) == all_by(f"kms:{key}#0", 4)


def test_the_keys_of_the_store_do_not_open_them(api: Api, key: str) -> None:
    """Who has them, but not the material of the key, has nothing of the rows: as one who has taken a copy of the store
    when the key was gone."""
    create(api, key)
    put(api, 1)
    table, engine = table_of(api), api.store.engine
    assert isinstance(engine, SealedEngine)
    thief = api.run(seal(engine.under, api.directory))
    row = Key(table.space, b"p1", b"001")
    with pytest.raises(Unsealable, match="sealed under a key of KMS"):
        api.run(thief.get(row))
    for space in (table.space, *(index.space for index in table.indexes), table.expiry.space):  # type: ignore[union-attr]
        with pytest.raises(Unsealable, match="sealed under a key of KMS"):
            api.run(thief.scan(space, 0, 1, AMPLE))
    with pytest.raises(Unsealable, match="sealed under a key of KMS"):
        thief.here.page(table.space, b"p1", Bounds(), True, AMPLE)  # type: ignore[union-attr]

    kms(api, "ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=7)
    api.clock.advance(7 * DAY)
    api.keep()
    with pytest.raises(ClientError, match="KMS key not found error"):
        api.run(api.another().engine.get(row))


def test_a_disabled_key_is_forgotten_by_all_processes(api: Api, key: str) -> None:
    """A data key that was unwrapped before is not used any more, whoever asks for the row."""
    create(api, key)
    put(api, 1)
    row = Key(table_of(api).space, b"p1", b"001")
    other = api.another()
    engines = [api.store.engine, other.engine]
    for engine in engines:
        assert api.run(engine.get(row)) is not None
    kms(api, "DisableKey", KeyId=key)
    for store, engine in zip((api.store, other), engines, strict=True):
        assert isinstance(engine, SealedEngine)
        engine.ring.tables.heed()
        table = api.run(store.catalog.find(*SCOPE))
        assert table.closed is not None
        for each in (row, row._replace(partition=b"new")):
            written = Effects(writes=((each, b"{}"),))
            with pytest.raises(ClientError, match="KMS key disabled error"):
                api.run(engine.update((each,), lambda stored, written=written: written))
        with pytest.raises(ClientError, match="KMS key disabled error"):
            api.run(engine.get(row))
        with pytest.raises(ClientError, match="KMS key disabled error"):
            engine.here.body(*row)  # type: ignore[union-attr]
    kms(api, "EnableKey", KeyId=key)
    for engine in engines:
        assert api.run(engine.get(row)) is not None


def test_a_process_has_one_data_key_a_key(api: Api, key: str) -> None:
    """However often something about the key changes, it unwraps that again, and goes on with its numbers."""
    create(api, key)
    put(api, 0)
    before = data_keys(api)
    for number in range(1, 5):
        kms(api, "UpdateKeyDescription", KeyId=key, Description=str(number))
        put(api, number)
        api("UpdateTable", TableName="abc", DeletionProtectionEnabled=bool(number % 2))
        put(api, number + 10)
    assert data_keys(api) == before
    assert len(items(api)) == 9
    engine = api.store.engine
    assert isinstance(engine, SealedEngine)
    nonces = [body[5:17] for body in api.run(engine.under.scan(table_of(api).space, 0, 1, AMPLE)).bodies]
    assert len(set(nonces)) == len(nonces)


def test_what_a_space_is_sealed_with_is_forgotten_with_its_table(api: Api, key: str) -> None:
    engine = api.store.engine
    assert isinstance(engine, SealedEngine)
    for _ in range(3):
        create(api, key)
        put(api, 1)
        assert engine.ring.tables.covers.by_space
        api("DeleteTable", TableName="abc")
        api.keep()
    assert not engine.ring.tables.covers.by_space


def test_a_table_that_is_read_again_and_let_go_leaves_others_as_they_were(api: Api, key: str) -> None:
    """Somebody else has it since before, and writes."""
    create(api, key)
    put(api, 0)
    table = table_of(api)
    made = Image.of(item(1), item_size(item(1)))
    for _ in range(2):
        table_of(api)
    api.store.catalog._tables.clear()
    keys = api.store.engine.ring.tables  # type: ignore[attr-defined]
    later = keys.cover([table.space], table.guard[1] + 1, OWNED)  # another process may have written that just now
    assert keys.covers.by_space[table.space].sealer is None
    del later
    api.run(table.write(table.primary.key(item(1)), lambda old: made))
    assert sealed_by(api) == all_by(f"kms:{key}#0", 2)


def test_more_keys_than_are_kept_at_hand(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are put away seal with a data key of theirs again when they are needed."""
    monkeypatch.setattr(table_keys, "SEALERS_MAX", 2)
    arns = [new_key(api) for _ in range(4)]
    for number, arn in enumerate(arns):
        api(
            "CreateTable", TableName=f"table{number}", KeySchema=by_hash("p"), BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}], SSESpecification=sse(arn),
        )  # fmt: skip
    for round in "ab":
        for number in range(4):
            api("PutItem", TableName=f"table{number}", Item={"p": {"S": round}})
    api.restart()
    assert [api("Scan", TableName=f"table{number}")["Count"] for number in range(4)] == [2] * 4


def test_a_lane_has_data_keys_of_its_own(api: Api, key: str) -> None:
    """It has them registered, and its rows written, by a worker."""
    create(api, key)
    engine = api.store.engine
    assert isinstance(engine, SealedEngine)
    worker = engine.under
    assert isinstance(worker, LmdbEngine)
    lane = LaneEngine(worker._env, worker._epoch, worker._digest, worker.apply)
    store = Store(api.run(seal(lane, api.directory)), api.clock, sealer=Sealer(FileKeys(api.directory)))
    table = api.run(store.catalog.find(*SCOPE))
    for number in range(3):
        made = Image.of(item(number), item_size(item(number)))
        api.run(table.write(table.primary.key(item(number)), lambda old, made=made: made))
    assert sealed_by(api) == all_by(f"kms:{key}#0", 3)
    assert items(api) == [item(number) for number in range(3)]


def test_nothing_is_left_of_a_stream_when_a_deleted_key_is_gone(api: Api, key: str) -> None:
    """Its records are not sealed under the table's key, but are gone by then."""
    create(api, key)
    put(api, 1)
    engine, log = api.store.engine, table_of(api).record.log
    assert isinstance(engine, SealedEngine)
    assert log is not None
    kms(api, "ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=7)
    assert records(api) == 1
    (_, shard), *_ = log.shards
    assert len(api.run(engine.under.log(log.space, shard.encode(), 0, AMPLE))) == 1
    api.clock.advance(2 * DAY)
    api.keep()
    assert not api.run(engine.under.log(log.space, shard.encode(), 0, AMPLE))


# Sealing anew


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
