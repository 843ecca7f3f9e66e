"""Building indexes on live tables: whatever is written meanwhile, every item has its entry, and counts are exact."""

import asyncio
from typing import Any

import orjson
import pytest
from tests.in_process import PRINCIPAL, Api
from tests.keeper.indexed_table import add_index, build, create, delete, entries, index_of, put, use
from tests.store.engines import Around, Eventual, Held

from statordb.engine.contract import PageBudget
from statordb.keeper import backfill
from statordb.keeper.backfill import Backfill
from statordb.keeper.keeper import Keeper
from statordb.model.request import Reply, Request
from statordb.store import codec
from statordb.store.keyspace import Space

INDEX_OVERHEAD_BYTES = 100
CHUNK = backfill._CHUNK


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three items a run, so that much happens between the runs."""
    monkeypatch.setattr(backfill, "_CHUNK", PageBudget(3, 1 << 20))


def test_an_index_of_a_full_table_is_built_chunk_by_chunk(api: Api) -> None:
    create(api)
    for number in range(10):
        put(api, str(number), g="x") if number != 5 else put(api, "5", other="x")
    add_index(api)
    index = index_of(api)
    assert (index["IndexStatus"], index["Backfilling"]) == ("CREATING", False)
    assert api.refused("Scan", TableName="abc", IndexName="ggg").message == (
        "Cannot read from backfilling global secondary index: ggg"
    )
    duty = Backfill(api.store)
    api.run(duty.run_once())
    assert index_of(api)["Backfilling"]
    assert index_of(api)["ItemCount"] < 9
    build(api, duty)
    index = index_of(api)
    assert (index["IndexStatus"], index["ItemCount"]) == ("ACTIVE", 9)
    assert "Backfilling" not in index
    assert [item["p"]["S"] for item in entries(api)] == list("012346789")


def test_an_index_of_an_empty_table_is_ready_at_once(api: Api) -> None:
    create(api)
    add_index(api)
    build(api, Backfill(api.store))
    assert (index_of(api)["IndexStatus"], index_of(api)["ItemCount"]) == ("ACTIVE", 0)


def test_items_that_do_not_fit_the_index_are_left_out(api: Api) -> None:
    """They were there first: an item of another type, one with too long a key, one with an empty key."""
    create(api)
    put(api, "string", g="x")
    put(api, "empty", g="")
    put(api, "long", g="x" * 2049)
    api("PutItem", TableName="abc", Item={"p": {"S": "number"}, "g": {"N": "1"}})
    add_index(api)
    build(api, Backfill(api.store))
    assert [item["p"]["S"] for item in entries(api)] == ["string"]
    assert index_of(api)["ItemCount"] == 1
    # A later write of such an item has to mend it.
    assert api.refused("PutItem", TableName="abc", Item={"p": {"S": "number"}, "g": {"N": "2"}}).code == (
        "ValidationException"
    )


@pytest.mark.parametrize("written_before", [0, 1, 2])
def test_writes_meanwhile_are_counted_once(api: Api, written_before: int) -> None:
    """Changed in place, moved, deleted, made sparse, each before and after the keeper came by."""
    create(api)
    for number in range(8):
        put(api, str(number), g="x")
    add_index(api)
    duty = Backfill(api.store)
    for _ in range(written_before):
        api.run(duty.run_once())
    for half in ("0123", "4567"):
        changed, moved, deleted, sparse = half
        put(api, changed, g="x", more="y" * 50)
        put(api, moved, g="y")
        delete(api, deleted)
        put(api, sparse, other="x")
    put(api, "8", g="x")
    build(api, duty)
    assert [item["p"]["S"] for item in entries(api)] == list("01458")
    index = index_of(api)
    size = 2 * (2 + 2 + 54) + 3 * (2 + 2)
    assert (index["ItemCount"], index["IndexSizeBytes"]) == (5, size + 5 * INDEX_OVERHEAD_BYTES)


def test_transactions_meanwhile_are_counted_once(api: Api) -> None:
    create(api)
    for number in range(8):
        put(api, str(number), g="x")
    add_index(api)
    duty = Backfill(api.store)
    api.run(duty.run_once())
    api(
        "TransactWriteItems",
        ClientRequestToken="t",
        TransactItems=[
            *[
                {"Put": {"TableName": "abc", "Item": {"p": {"S": key}, "g": {"S": "x"}, "more": {"S": "y"}}}}
                for key in "0246"
            ],
            *[{"Delete": {"TableName": "abc", "Key": {"p": {"S": key}}}} for key in "135"],
        ],
    )
    build(api, duty)
    assert [item["p"]["S"] for item in entries(api)] == list("02467")
    assert index_of(api)["ItemCount"] == 5


def test_building_goes_on_after_a_restart(api: Api) -> None:
    create(api)
    for number in range(10):
        put(api, str(number), g="x")
    add_index(api)
    duty = Backfill(api.store)
    api.run(duty.run_once())
    api.run(duty.run_once())
    api.restart()
    put(api, "3", g="x", more="y")
    delete(api, "4")
    build(api, Backfill(api.store))
    assert len(entries(api)) == index_of(api)["ItemCount"] == 9


def test_a_chunk_is_the_work_of_a_moment(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is planned in one go, on a loop that may be a worker's too; and no item is parsed twice."""
    monkeypatch.setattr(backfill, "_CHUNK", CHUNK)  # as it is
    create(api)
    for number in range(60):
        put(api, f"small {number}", g="x")
    for number in range(6):
        put(api, f"large {number}", g="x", more="y" * 50_000)
    add_index(api)
    chunks: list[list[int]] = []
    parsed: list[bytes] = []
    decode, update = codec.decode, api.store.engine.update

    def parsing(body: bytes) -> Any:
        parsed.append(body)
        return decode(body)

    async def updating(footprint: Any, plan: Any, guards: Any = ()) -> Any:
        items = [key for key in footprint if key.space == table.space]
        chunks.append([len(row.body) for row in await api.store.engine.read(items) if row is not None])
        return await update(footprint, plan, guards)

    table = api.run(api.store.catalog.find(PRINCIPAL.account, PRINCIPAL.region, "abc"))
    monkeypatch.setattr(api.store.engine, "update", updating)
    monkeypatch.setattr(codec, "decode", parsing)
    build(api, Backfill(api.store))
    assert sum(map(len, chunks)) == len(parsed) == index_of(api)["ItemCount"] == 66
    assert all(len(sizes) <= 20 and sum(sizes[:-1]) < 64 << 10 for sizes in chunks)


def test_writes_of_one_item_at_the_same_time_are_counted_once(api: Api) -> None:
    """Each looks up the entry before any of them is done, so all but the first have to look again."""
    create(api)
    put(api, "a", g="x")
    add_index(api)

    async def write(content: dict[str, Any]) -> int:
        body = orjson.dumps({"TableName": "abc", "Item": {"p": {"S": "a"}, **content}})
        reply = api.dispatcher.handle(Request("PutItem", body, PRINCIPAL, "id"))
        return (reply if isinstance(reply, Reply) else await reply).status

    async def write_all() -> list[int]:
        return await asyncio.gather(*(write(content) for content in each))

    each: list[dict[str, Any]] = [{"g": {"S": g}} for g in "xyzxzy"] + [{}, {"g": {"S": "y"}, "more": {"S": "z"}}]
    assert api.run(write_all()) == [200] * len(each)
    build(api, Backfill(api.store))
    (item,) = api("Scan", TableName="abc")["Items"]  # that of any of them: they may be done in any order
    assert len(entries(api)) == index_of(api)["ItemCount"] == ("g" in item)


def test_two_keepers_at_once_build_the_same_index(api: Api) -> None:
    """It can happen for a moment, when one is thought to be dead and is not."""
    create(api)
    for number in range(10):
        put(api, str(number), g="x")
    add_index(api)
    one, two = Backfill(api.store), Backfill(api.store)
    for _ in range(10):
        api.run(one.run_once())
        api.run(two.run_once())
    assert len(entries(api)) == index_of(api)["ItemCount"] == 10


def test_an_index_deleted_while_it_is_built_is_gone(api: Api) -> None:
    create(api)
    for number in range(10):
        put(api, str(number), g="x")
    add_index(api)
    duty = Backfill(api.store)
    api.run(duty.run_once())
    api("UpdateTable", TableName="abc", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "ggg"}}])
    build(api, duty)
    assert "GlobalSecondaryIndexes" not in api("DescribeTable", TableName="abc")["Table"]
    add_index(api)  # again, under the same name
    build(api, duty)
    assert len(entries(api)) == index_of(api)["ItemCount"] == 10


def test_a_table_deleted_while_its_index_is_built_is_gone(api: Api) -> None:
    create(api)
    for number in range(10):
        put(api, str(number), g="x")
    add_index(api)
    duty = Backfill(api.store)
    api.run(duty.run_once())
    api("DeleteTable", TableName="abc")
    assert not api.run(duty.run_once())
    api.keep()
    assert api.run(api.store.catalog.all()) == []


def test_an_unchanged_catalog_costs_the_keeper_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    create(api)
    duty = Backfill(api.store)
    assert not api.run(duty.run_once())
    with monkeypatch.context() as broken:
        broken.setattr(api.store.catalog, "all", None)
        assert not api.run(duty.run_once())


def test_building_begins_with_an_announcement(api: Api) -> None:
    """Whoever made the index may have died before every process had heard of it; a write by the old schema, after the
    item was entered, would be lost to the index."""
    engine = Eventual(api.store.engine)
    use(api, engine.as_engine())
    create(api)
    for number in range(10):
        put(api, str(number), g="x")
    add_index(api)
    duty = Backfill(api.store)
    announced = engine.announcements + 2  # before entries may be put, and then of that
    scan = engine.inner.scan

    async def announced_before(*given: Any) -> Any:
        assert engine.announcements > announced
        return await scan(*given)

    engine.scan = announced_before  # type: ignore[attr-defined]
    build(api, duty)
    assert engine.announcements == announced + 2  # and when the index is ready


def test_an_item_in_a_transaction_is_waited_for(api: Api) -> None:
    engine = Held(api.store.engine)
    use(api, engine.as_engine())
    create(api)
    for number in range(10):
        put(api, str(number), g="x")
    add_index(api)
    table = api.run(api.store.catalog.find(PRINCIPAL.account, PRINCIPAL.region, "abc"))
    engine.hold(table.primary.key({"p": {"S": "5"}}), times=3)
    duty = Backfill(api.store)
    for refused in (1, 2, 3):
        build(api, duty)  # which ends with a run that wants no other at once
        assert engine.refused == refused
    build(api, duty)
    assert len(entries(api)) == index_of(api)["ItemCount"] == 10


class Looked(Around):
    """Counts how often the catalog is read through."""

    reads = 0

    async def range(self, space: int, partition: bytes, *more: Any) -> Any:
        self.reads += space == Space.CATALOG
        return await self.inner.range(space, partition, *more)


def test_the_catalog_is_not_read_for_every_chunk(api: Api) -> None:
    """There may be thousands of tables, and millions of items."""
    engine = Looked(api.store.engine)
    use(api, engine.as_engine())
    create(api)
    for number in range(30):
        put(api, str(number), g="x")
    add_index(api)
    build(api, Backfill(api.store))
    assert len(entries(api)) == 30
    assert engine.reads == 2, "once: which accounts and regions there are, and the tables of one"
    add_index(api, name="another")
    engine.reads = 0
    for number in range(30, 90):
        put(api, str(number), g="x")
    build(api, Backfill(api.store))
    assert engine.reads == 0, "then only records that are announced"


def test_the_keeper_builds_indexes(api: Api) -> None:
    """It is one of its duties."""
    create(api)
    put(api, "a", g="x")
    add_index(api)
    api.keep()
    assert isinstance(api.keeper, Keeper)
    assert index_of(api)["IndexStatus"] == "ACTIVE"
