"""Indexes are built among writes, restarts and late news in any order: see test_backfill.py for each by itself."""

import shutil
import tempfile
from pathlib import Path

import orjson
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.in_process import PRINCIPAL, SHAPES, Api
from tests.keeper.indexed_table import add_index, build, create, delete, entries, index_of, put, use
from tests.store.engines import Eventual

from statordb.api.dispatch import Dispatcher
from statordb.engine.contract import PageBudget
from statordb.keeper import backfill
from statordb.keeper.backfill import Backfill
from statordb.model.request import Reply, Request
from statordb.store.store import Store


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three items a run, so that much happens between the runs."""
    monkeypatch.setattr(backfill, "_CHUNK", PageBudget(3, 1 << 20))


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
