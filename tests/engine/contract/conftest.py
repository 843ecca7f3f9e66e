"""The engines that the contract's suite runs against. Nothing in this folder knows more of an engine than this file."""

import asyncio
import os
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.cassandra.patient import have_patience
from tests.engine.cassandra.pool import filled
from tests.engine.sealed import open_lmdb, seal

from statordb.engine.cassandra.cql.session import Contact
from statordb.engine.cassandra.engine import CassandraEngine
from statordb.engine.contract import Effects, Engine, Guard, Key, Plan, Refused, Stale, Stored
from statordb.engine.lmdb import LmdbEngine
from statordb.engine.lmdb.lane import LaneEngine
from statordb.engine.lmdb.reader import closed

Run = Callable[[Coroutine[Any, Any, Any]], Any]
Open = Callable[[], Engine]
Place = Any  # what the factory's fixture gives
Settled = Callable[[Sequence[Key], Sequence[bytes | None]], None]

SETTLE_SECONDS_MAX = 240.0
TABLES = 96  # as many as the tests take, of which each would wait for one


class Factory(NamedTuple):
    """One kind of engine.

    place  the fixture that tells where.
    open   opening the same place again after `close` gives the same store.
    share  of the examples of a property, how many are tried: fewer where each takes longer.
    """

    name: str
    place: str
    open: Callable[[Place], Coroutine[Any, Any, Engine]]
    share: float = 1.0


class PlansTwice:
    """An engine that calls every plan twice each time, to show that plans are pure and calling again is safe."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    async def update(
        self, footprint: Sequence[Key], plan: Plan, guards: Sequence[Guard] = (), head: int | None = None
    ) -> Effects | Refused | Stale:
        def twice(stored: list[Stored | None]) -> Effects | Refused:
            before = list(stored)
            first = plan(stored)
            assert stored == before, "a plan changed what it was given"
            assert plan(stored) == first, "a plan gave two answers to one question"
            return first

        return await self._engine.update(footprint, twice, guards, head)


async def lmdb(path: Place) -> Engine:
    return LmdbEngine.open(path, durable=False)


async def lmdb_plans_twice(path: Place) -> Engine:
    engine: Any = PlansTwice(await lmdb(path))
    checked: Engine = engine
    return checked


class ByLane:
    """The engine of a lane, whose updates another one applies; the rest is asked of that one."""

    def __init__(self, writing: LmdbEngine) -> None:
        self._writing = writing
        self._lane = LaneEngine(writing._env, writing._epoch, writing._digest, writing.apply)
        self.update = self._lane.update
        self.get = self._lane.get
        self.read = self._lane.read

    def __getattr__(self, name: str) -> Any:
        return getattr(self._writing, name)

    async def close(self) -> None:
        """They share an environment, which the first has to close, as in one process it can be open only once."""
        await self._writing.close()
        self._lane._closed, self._lane._begin = True, closed


async def lmdb_by_lane(path: Place) -> Engine:
    engine: Any = ByLane(LmdbEngine.open(path, durable=False))
    checked: Engine = engine
    return checked


async def lmdb_sealed(path: Place) -> Engine:
    return await seal(open_lmdb(path), path)


async def cassandra(contact: Place) -> Engine:
    return await CassandraEngine.open(contact, table_pool=0)


async def cassandra_sealed(place: Place) -> Engine:
    contact, keys = place
    return await seal(await CassandraEngine.open(contact, table_pool=0), keys)


SEALED_CASSANDRA = "cassandra, sealed"
BY_PARTS = ("test_pages", "test_spaces", "test_histories")
"""What is slow on a cluster, and shown of both parts by themselves: of the cluster, and of what seals upon LMDB."""

FACTORIES = [
    Factory("lmdb", "directory", lmdb),
    Factory("lmdb, plans twice", "directory", lmdb_plans_twice),
    Factory("lmdb, by a lane", "directory", lmdb_by_lane),
    Factory("lmdb, sealed", "directory", lmdb_sealed),
    Factory("cassandra", "plain_cassandra", cassandra, 0.05),
    Factory(SEALED_CASSANDRA, "sealed_cassandra", cassandra_sealed, 0.02),
]


@pytest.fixture(scope="session", autouse=True)
def _patience() -> None:
    have_patience()


@pytest.fixture(scope="session")
def plain_cassandra(cassandra_hosts: tuple[str, ...]) -> Contact:
    """A keyspace that all tests share: to make one takes seconds."""
    contact = Contact(hosts=cassandra_hosts, datacenter="dc1", keyspace="contract")
    asyncio.run(filled(contact, TABLES))
    return contact


@pytest.fixture(scope="session")
def sealed_cassandra(
    cassandra_hosts: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Contact, Path]:
    """A keyspace of this run's own, as its keys are, and where these are."""
    contact = Contact(hosts=cassandra_hosts, datacenter="dc1", keyspace=f"contract_{os.urandom(4).hex()}")
    asyncio.run(filled(contact, TABLES // 2))
    return contact, tmp_path_factory.mktemp("sealed")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`factory`: which engine a test has."""
    if "factory" in metafunc.fixturenames:
        is_brief = metafunc.module.__name__.rpartition(".")[2] in BY_PARTS
        chosen = [each for each in FACTORIES if each.name != SEALED_CASSANDRA or not is_brief]
        metafunc.parametrize("factory", chosen, ids=lambda factory: factory.name)


@pytest.fixture
def examples(factory: Factory) -> Callable[[int], int]:
    """How many examples of a property to try, of so many."""
    return lambda count: max(3, int(count * factory.share))


@pytest.fixture
def open_engine(factory: Factory, request: pytest.FixtureRequest, run: Run) -> Iterator[Open]:
    """Opens the test's store; what was opened last is closed in the end."""
    opened: list[Engine] = []
    place = request.getfixturevalue(factory.place)

    def open() -> Engine:
        opened.append(run(factory.open(place)))
        return opened[-1]

    yield open
    for engine in opened:
        run(engine.close())


@pytest.fixture
def engine(open_engine: Open) -> Engine:
    return open_engine()


@pytest.fixture
def space(engine: Engine, run: Run) -> int:
    made: int = run(engine.create_space())
    return made


@pytest.fixture
def guarded(engine: Engine) -> Engine:
    """An engine that checks guards inside its updates; others leave that to the lease of who caches."""
    if not engine.traits.guards:
        pytest.skip("checks no guards inside its updates")
    return engine


@pytest.fixture
def settled(engine: Engine, run: Run) -> Settled:
    """Reads rows of derived spaces, once they are as expected or have had their time to be."""

    def read(keys: Sequence[Key], bodies: Sequence[bytes | None]) -> None:
        deadline = time.monotonic() + (0 if engine.traits.global_indexes_strong else SETTLE_SECONDS_MAX)
        while True:
            found = [row and row.body for row in run(engine.read(keys, snapshot=False))]
            if found == list(bodies) or time.monotonic() > deadline:
                assert found == list(bodies)
                return

    return read
