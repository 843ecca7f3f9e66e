"""A machine's clock that goes wrong while the process runs: no updates until it is right again, no version by it."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from tests.pace import HANGS_SECONDS

from statordb.engine.cassandra.cluster.clock import EPOCH_SECONDS, Clock, seconds
from statordb.engine.cassandra.cluster.clocks import DOUBT_SECONDS, SET_SECONDS_MAX, SKEW_SECONDS_MAX, Clocks
from statordb.engine.cassandra.cql.session import Contact, Unreachable
from statordb.engine.cassandra.engine import CassandraEngine
from statordb.engine.contract import Effects, Key

Run = Callable[[Coroutine[Any, Any, Any]], Any]
SECONDS = 10.0
START = EPOCH_SECONDS + 1e8


class Machine:
    """A machine beside one node, which is right. `ahead`: by how much the machine's clock is."""

    def __init__(self) -> None:
        self.passed = 50.0
        self.ahead = 0.0
        self.asked = 0
        self.clock = Clock(lambda: START + self.passed + self.ahead, monotonic=lambda: self.passed)
        self.clocks = Clocks(self, self.clock, SECONDS, lambda: self.passed)  # type: ignore[arg-type]

    async def rows(self, text: str, consistency: str) -> list[tuple[int]]:
        self.asked += 1
        return [(int((START + self.passed) * 1000),)]


@pytest.fixture
def machine(run: Run) -> Machine:
    made = Machine()
    run(made.clocks.compare())
    return made


def test_a_clock_that_is_right_is_not_asked_about(machine: Machine) -> None:
    machine.passed += 5
    assert not machine.clocks.doubtful()


@pytest.mark.parametrize("ahead", [SKEW_SECONDS_MAX + 1, -SKEW_SECONDS_MAX - 1])
def test_a_clock_that_is_set_is_found_with_the_next_update(machine: Machine, run: Run, ahead: float) -> None:
    machine.ahead = ahead
    assert machine.clocks.doubtful()
    with pytest.raises(Unreachable):
        run(machine.clocks.ensure())
    asked = machine.asked
    with pytest.raises(Unreachable):
        run(machine.clocks.ensure())
    assert machine.asked == asked, "the updates that are refused do not each ask the node"
    machine.ahead, machine.passed = 0.0, machine.passed + DOUBT_SECONDS
    run(machine.clocks.ensure())
    assert not machine.clocks.doubtful()


def test_a_clock_that_is_set_within_the_bound_is_gone_by(machine: Machine, run: Run) -> None:
    machine.ahead = SKEW_SECONDS_MAX - 0.5
    assert machine.clocks.doubtful()
    run(machine.clocks.ensure())
    assert not machine.clocks.doubtful()
    assert machine.clock.now() == pytest.approx(START + machine.passed + machine.ahead)


def test_a_clock_that_drifts_is_found_by_the_watch(machine: Machine, run: Run) -> None:
    """It is never set by much, and nobody writes."""
    for _ in range(100):
        machine.passed += SECONDS
        machine.ahead += SET_SECONDS_MAX / 2
        run(machine.clocks.watch())
    assert machine.clocks.wrong
    machine.ahead = 0.0
    machine.passed += DOUBT_SECONDS
    run(machine.clocks.watch())
    assert not machine.clocks.wrong


def test_no_version_is_given_by_a_clock_that_is_wrong(machine: Machine, run: Run) -> None:
    """All servers would go on from one that lies ahead, for ever."""
    machine.ahead = 3600.0
    assert seconds(machine.clock.next()) == pytest.approx(START + machine.passed)
    assert seconds(machine.clock.bound()) == pytest.approx(START + machine.passed)
    run(machine.clocks.compare())
    machine.passed += 1
    assert seconds(machine.clock.next()) == pytest.approx(START + machine.passed)


def test_an_engine_takes_no_updates_while_its_clock_is_wrong(contact: Contact, run: Run) -> None:
    """And reads go on."""
    key = Key(1, b"clocks", b"")

    async def history() -> None:
        engine = await CassandraEngine.open(contact, table_pool=0)

        async def write(body: bytes) -> None:
            await engine.update((key,), lambda stored: Effects(writes=((key, body),)))

        await write(b"before")
        engine._clock.wall = lambda: time.time() + 3600
        with pytest.raises(Unreachable):
            await write(b"wrong")
        assert engine.trouble() is not None
        stored = await engine.get(key)
        assert stored is not None
        assert stored.body == b"before"
        engine._clock.wall = time.time
        async with asyncio.timeout(HANGS_SECONDS):
            while engine.trouble() is not None:
                await asyncio.sleep(0.05)
        await write(b"after")
        await engine.close()

    run(history())
