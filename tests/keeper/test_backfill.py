"""Building indexes on live tables: whatever is written meanwhile, every item has its entry, and counts are exact."""

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.in_process import PRINCIPAL, SHAPES, Api
from tests.store.engines import Around, Eventual, Held

from statordb.api.dispatch import Dispatcher
from statordb.engine.contract import Engine, PageBudget
from statordb.keeper import backfill
from statordb.keeper.backfill import Backfill
from statordb.keeper.keeper import Keeper
from statordb.model.request import Reply, Request
from statordb.store import codec
from statordb.store.keyspace import Space
from statordb.store.store import Store

Item = dict[str, Any]
INDEX_OVERHEAD_BYTES = 100
CHUNK = backfill._CHUNK


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three items a run, so that much happens between the runs."""
    monkeypatch.setattr(backfill, "_CHUNK", PageBudget(3, 1 << 20))


def create(api: Api, name: str = "abc") -> None:
    api(
        "CreateTable",
        TableName=name,
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


def add_index(api: Api, type: str = "S", name: str = "ggg", **projection: Any) -> None:
    api(
        "UpdateTable",
        TableName="abc",
        AttributeDefinitions=[{"AttributeName": "g", "AttributeType": type}],
        GlobalSecondaryIndexUpdates=[
            {
                "Create": {
                    "IndexName": name,
                    "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                    "Projection": projection or {"ProjectionType": "ALL"},
                }
            }
        ],
    )


def index_of(api: Api) -> dict[str, Any]:
    (index,) = api("DescribeTable", TableName="abc")["Table"]["GlobalSecondaryIndexes"]
    described: dict[str, Any] = index
    return described


def entries(api: Api) -> list[Item]:
    items = api("Scan", TableName="abc", IndexName="ggg")["Items"]
    return sorted(items, key=lambda item: str(item["p"]["S"]))


def put(api: Api, key: str, **content: str) -> None:
    api("PutItem", TableName="abc", Item={"p": {"S": key}, **{name: {"S": text} for name, text in content.items()}})


def delete(api: Api, key: str) -> None:
    api("DeleteItem", TableName="abc", Key={"p": {"S": key}})


def build(api: Api, duty: Backfill, runs: int = 50) -> None:
    for _ in range(runs):
        if not api.run(duty.run_once()):
            return
    raise AssertionError("the index is never ready")


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


def use(api: Api, engine: Engine) -> None:
    api.store = Store(engine, api.clock)
    api.dispatcher = Dispatcher(api.store, SHAPES, lambda request, fault: api.faults.append(fault))


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


contents = st.fixed_dictionaries({}, optional={"g": st.sampled_from("xyz"), "more": st.text("m", max_size=5)})
keys = st.sampled_from("abcdefghij")
Write = tuple[bool, str, dict[str, str] | None]
writes_meanwhile = st.lists(st.tuples(st.booleans(), keys, st.none() | contents), max_size=5)


class Building(RuleBasedStateMachine):
    """Writes, chunks and restarts in any order; in the end the index is what the table says."""

    directory: Path

    @initialize(items=st.dictionaries(keys, contents, max_size=10), writes=writes_meanwhile)
    def start(self, items: dict[str, dict[str, str]], writes: list[Write]) -> None:
        self.directory = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
        self.api = Api(self.directory)
        self.use()
        create(self.api)
        self.model = dict(items)
        for key, content in items.items():
            put(self.api, key, **content)
        self.write_at_the_next_change(writes)
        add_index(self.api, ProjectionType="KEYS_ONLY")
        self.duty = Backfill(self.api.store)

    def use(self) -> None:
        """The engine to be built on."""

    def settle(self) -> None:
        """Wait for what is on its way."""

    def write_at_the_next_change(self, writes: list[Write]) -> None:
        """Make these writes while the index is changed next, if that takes a while."""

    @rule(key=keys, content=contents)
    def put_item(self, key: str, content: dict[str, str]) -> None:
        put(self.api, key, **content)
        self.model[key] = content

    @rule(key=keys)
    def delete_item(self, key: str) -> None:
        delete(self.api, key)
        self.model.pop(key, None)

    @rule(key=keys, other=keys, content=contents)
    def transact(self, key: str, other: str, content: dict[str, str]) -> None:
        if key != other:
            item = {"p": {"S": key}, **{name: {"S": text} for name, text in content.items()}}
            self.api(
                "TransactWriteItems",
                TransactItems=[
                    {"Put": {"TableName": "abc", "Item": item}},
                    {"Delete": {"TableName": "abc", "Key": {"p": {"S": other}}}},
                ],
            )
            self.model[key] = content
            self.model.pop(other, None)

    @rule()
    def chunk(self) -> None:
        self.api.run(self.duty.run_once())

    @rule()
    def restart(self) -> None:
        self.api.restart()
        self.use()
        self.duty = Backfill(self.api.store)

    def check_counts(self, entries: int) -> None:
        index = index_of(self.api)
        assert (index["ItemCount"], index["IndexSizeBytes"]) == (entries, entries * (4 + 100))

    @invariant()
    def counts_are_never_beyond_the_table(self) -> None:
        if hasattr(self, "api"):
            assert 0 <= index_of(self.api)["ItemCount"] <= len(self.model)

    def teardown(self) -> None:
        if not hasattr(self, "api"):
            return
        build(self.api, self.duty)
        self.settle()
        indexed = sorted(key for key, content in self.model.items() if "g" in content)
        assert [item["p"]["S"] for item in entries(self.api)] == indexed
        self.check_counts(len(indexed))
        self.api.close()
        self.api.loop.close()
        shutil.rmtree(self.directory)


class BuildingEventually(Building):
    """The same where entries arrive later, in any order. Counts are not exact there."""

    engine: Eventual | None = None

    def use(self) -> None:
        before, self.engine = self.engine, Eventual(self.api.store.engine)
        if before is not None:
            self.engine.__dict__.update({**before.__dict__, "inner": self.engine.inner})
        use(self.api, self.engine.as_engine())

    def settle(self) -> None:
        assert self.engine is not None
        self.api.run(self.engine.deliver_all())

    @precondition(lambda self: self.engine is not None and self.engine.owed)
    @rule(place=st.integers(0, 100))
    def deliver(self, place: int) -> None:
        assert self.engine is not None
        self.api.run(self.engine.deliver(place % len(self.engine.owed)))

    def check_counts(self, entries: int) -> None:
        pass

    @invariant()
    def counts_are_never_beyond_the_table(self) -> None:
        pass


class BuildingAmongOthers(BuildingEventually):
    """And where two processes write while they learn of each change of the index, one of them later than the other."""

    def use(self) -> None:
        super().use()
        assert self.engine is not None
        self.engine.meanwhile = self.write_meanwhile
        store = Store(self.engine.late().as_engine(), self.api.clock)
        self.late = Dispatcher(store, SHAPES, lambda request, fault: self.api.faults.append(fault))
        self.writes: list[Write] = []

    @rule(writes=writes_meanwhile)
    def write_at_the_next_change(self, writes: list[Write]) -> None:
        """By the process that is told late (True), or by the other: puts, and deletions (None)."""
        self.writes = writes
        known = self.api.run(self.write(True, "none", None))  # so that it goes by what it has heard until then
        assert known == 200

    async def write_meanwhile(self) -> None:
        writes, self.writes = self.writes, []
        for late, key, content in writes:
            assert await self.write(late, key, content) == 200
            if content is None:
                self.model.pop(key, None)
            else:
                self.model[key] = content

    async def write(self, late: bool, key: str, content: dict[str, str] | None) -> int:
        name = {"TableName": "abc"}
        if content is None:
            request = Request("DeleteItem", orjson.dumps({**name, "Key": {"p": {"S": key}}}), PRINCIPAL, "id")
        else:
            item = {"p": {"S": key}, **{each: {"S": text} for each, text in content.items()}}
            request = Request("PutItem", orjson.dumps({**name, "Item": item}), PRINCIPAL, "id")
        reply = (self.late if late else self.api.dispatcher).handle(request)
        return (reply if isinstance(reply, Reply) else await reply).status


TestBuildingAmongOthers = pytest.mark.slow(BuildingAmongOthers.TestCase)
TestBuildingAmongOthers.settings = settings(max_examples=60, stateful_step_count=15, deadline=None)
TestBuildingEventually = pytest.mark.slow(BuildingEventually.TestCase)
TestBuildingEventually.settings = settings(max_examples=60, stateful_step_count=15, deadline=None)
TestBuilding = pytest.mark.slow(Building.TestCase)
TestBuilding.settings = settings(max_examples=60, stateful_step_count=15, deadline=None)


def test_the_keeper_builds_indexes(api: Api) -> None:
    """It is one of its duties."""
    create(api)
    put(api, "a", g="x")
    add_index(api)
    api.keep()
    assert isinstance(api.keeper, Keeper)
    assert index_of(api)["IndexStatus"] == "ACTIVE"
