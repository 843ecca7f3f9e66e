"""Totals that several processes count."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from statordb.engine.cassandra.cql.session import Session, Unreachable
from statordb.engine.cassandra.cql.tallies import Tallies
from statordb.engine.contract import Usage

Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture
def space() -> int:
    return int.from_bytes(os.urandom(7), "big")


def test_a_total_is_the_sum_over_processes(session: Session, space: int, run: Run) -> None:
    async def history() -> None:
        first, second = Tallies(session, b"1"), Tallies(session, b"2")
        first.add(space, 5, 500)
        first.add(space, -1, -100)
        second.add(space, 2, 20)
        assert await first.usage(space) == Usage(4, 400)
        await second.flush()
        assert await first.usage(space) == Usage(6, 420)
        second.add(space, -6, -420)
        await asyncio.gather(second.flush(), second.flush(), second.usage(space))
        assert await first.usage(space) == Usage(0, 0)
        await first.flush()

    run(history())


def test_what_was_not_written_down_is_written_with_the_next(session: Session, space: int, run: Run) -> None:
    class Failing:
        failing = True

        rows = session.rows

        async def write(self, *values: Any, timestamp: int | None = None) -> None:
            if self.failing:
                raise Unreachable("now")
            await session.write(*values, timestamp=timestamp)

    async def history() -> None:
        faulty: Any = Failing()
        tallies = Tallies(faulty, b"1")
        tallies.add(space, 1, 10)
        with pytest.raises(Unreachable):
            await tallies.flush()
        tallies.add(space, 1, 10)
        faulty.failing = False
        await tallies.flush()
        assert await Tallies(session, b"2").usage(space) == Usage(2, 20)

    run(history())
