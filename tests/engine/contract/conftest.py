"""The engines that the contract's suite runs against. Nothing in this folder knows more of an engine than this file."""

from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from statordb.engine.contract import Effects, Engine, Guard, Key, Plan, Refused, Stale, Stored
from statordb.engine.lmdb import LmdbEngine

Run = Callable[[Coroutine[Any, Any, Any]], Any]
Open = Callable[[], Engine]


class Factory:
    """Opens one kind of engine; opening the same place again after `close` gives the same store."""

    def __init__(self, name: str, open: Callable[[Path], Engine]) -> None:
        self.name = name
        self.open = open


class PlansTwice:
    """An engine that calls every plan twice each time, to show that plans are pure and calling again is safe."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    async def update(
        self, footprint: Sequence[Key], plan: Plan, guards: Sequence[Guard] = ()
    ) -> Effects | Refused | Stale:
        def twice(stored: list[Stored | None]) -> Effects | Refused:
            before = list(stored)
            first = plan(stored)
            assert stored == before, "a plan changed what it was given"
            assert plan(stored) == first, "a plan gave two answers to one question"
            return first

        return await self._engine.update(footprint, twice, guards)


def lmdb(path: Path) -> Engine:
    return LmdbEngine.open(path, durable=False)


def lmdb_plans_twice(path: Path) -> Engine:
    engine: Any = PlansTwice(lmdb(path))
    checked: Engine = engine
    return checked


FACTORIES = [Factory("lmdb", lmdb), Factory("lmdb, plans twice", lmdb_plans_twice)]


@pytest.fixture(params=FACTORIES, ids=lambda factory: factory.name)
def open_engine(request: pytest.FixtureRequest, directory: Path, run: Run) -> Iterator[Open]:
    """Opens the test's store; what was opened last is closed in the end."""
    factory: Factory = request.param
    opened: list[Engine] = []

    def open() -> Engine:
        opened.append(factory.open(directory))
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
