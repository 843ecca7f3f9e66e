"""A lease by the pulses that were read back; and clocks that are compared."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from statordb.engine.cassandra.cluster import clocks
from statordb.engine.cassandra.cluster.lease import Lease
from statordb.engine.cassandra.cql import skew
from statordb.engine.cassandra.cql.session import Contact, Unreachable
from statordb.engine.cassandra.engine import CassandraEngine
from statordb.engine.contract import StoreUnusable

Run = Callable[[Coroutine[Any, Any, Any]], Any]


def test_a_lease_runs_from_when_the_pulse_was_sent_that_was_read_back() -> None:
    now = 100.0
    lease = Lease(5, lambda: None, lambda: now)
    assert not lease.valid()
    first = lease.send()
    now = 103
    second = lease.send()
    now = 104
    lease.read_back(first)
    now = 104.9
    assert lease.valid()
    now = 105
    assert not lease.valid()
    lease.read_back(second)
    assert lease.valid()
    lease.read_back(first)  # an older reading, late
    lease.read_back(99)  # of nobody's
    now = 108
    assert not lease.valid()


def test_what_ended_the_telling_is_told_to_those_who_wait_for_the_lease(run: Run) -> None:
    def check() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(Lease(5, check).ensure_valid())
    with pytest.raises(Unreachable):
        run(Lease(5, lambda: None).ensure_valid(0.01))


@pytest.mark.parametrize("ahead", [-30.0, 0.0, 30.0])
def test_clocks_are_compared_as_well_as_the_quickest_look_allows(run: Run, ahead: float) -> None:
    looks = 0

    async def ask(text: str) -> list[tuple[Any, ...]]:
        nonlocal looks
        looks += 1
        await asyncio.sleep(0 if looks == 3 else 0.03)
        return [(int((1_000_000 + ahead) * 1000),)]

    measured = run(skew.measured(ask, lambda: 1_000_000.0))
    assert looks == skew.LOOKS
    assert measured.seconds == pytest.approx(ahead, abs=measured.uncertainty)
    assert measured.at_least == pytest.approx(abs(ahead), abs=2 * measured.uncertainty)


def test_a_process_whose_clock_is_far_off_does_not_start(
    contact: Contact, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clocks, "SKEW_SECONDS_MAX", -1.0)
    with pytest.raises(StoreUnusable, match="clock is"):
        run(CassandraEngine.open(contact))
