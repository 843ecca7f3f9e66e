"""Whose nodes a process asks: those of one rack, while they answer."""

import asyncio
import secrets
from dataclasses import replace
from typing import Any

import pytest
from acsylla import errors
from tests.engine.cassandra.conftest import Run
from tests.pace import HANGS_SECONDS

from statordb.engine.cassandra.cql import racks, schema
from statordb.engine.cassandra.cql.racks import Racks
from statordb.engine.cassandra.cql.session import Contact, Session
from statordb.engine.cassandra.engine import CassandraEngine
from statordb.engine.contract import StoreUnusable

ASKED = 6  # more than there are nodes: asked in turns, they would all be


def test_nodes_of_one_rack_are_asked(contact: Contact, run: Run) -> None:
    async def count_nodes() -> int:
        session = await Session.connect(contact)
        peers = await session.rows("SELECT peer FROM system.peers", consistency="ONE")
        await session.close()
        return 1 + len(peers)

    async def ask(rack: str) -> set[str]:
        session = await Session.connect(contact, contact.keyspace, [rack])
        asked = [await session.rows("SELECT rack FROM system.local", consistency="ONE") for _ in range(ASKED)]
        await session.close()
        return {rows[0][0] for rows in asked}

    names = run(schema.prepare(contact))
    assert names == [f"rack{number}" for number in range(1, run(count_nodes()) + 1)]
    for rack in names:
        assert run(ask(rack)) == {rack}


def test_a_rack_that_is_not_there_is_refused(contact: Contact, run: Run) -> None:
    with pytest.raises(StoreUnusable, match="the datacenter dc1 has no rack nowhere, only rack1"):
        run(CassandraEngine.open(replace(contact, rack="nowhere")))


class Driver:
    """Of one rack. `fault`: what its nodes answer, if they don't serve."""

    def __init__(self, rack: str) -> None:
        self.rack = rack
        self.fault: Exception | None = None
        self.closed = False

    async def close(self) -> None:
        self.closed = True


class Trip:
    """Racks with fake drivers, and what is asked for."""

    def __init__(self, *names: str) -> None:
        self.made = {name: Driver(name) for name in names}
        self.opened = [names[0]]
        self.used = self.made[names[0]]
        self.now = 0.0
        self.racks = Racks(self.used, names, self._open, self._use, self._works, lambda: self.now)

    async def _open(self, rack: str) -> Driver:
        self.opened.append(rack)
        return self.made[rack]

    def _use(self, driver: Driver) -> None:
        self.used = driver

    async def _works(self, driver: Driver) -> None:
        if driver.fault is not None:
            raise driver.fault

    async def until(self, rack: str) -> None:
        async with asyncio.timeout(HANGS_SECONDS):
            while self.used.rack != rack:
                await asyncio.sleep(0.005)


UNAVAILABLE = errors.CassErrorServerUnavailable("too few replicas live")
TIMED_OUT = errors.CassErrorServerReadTimeout("too few replicas answered")


def test_a_rack_whose_nodes_are_cut_off_from_the_others_is_left_and_come_back_to(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(racks, "BACK_SECONDS", 0.02)
    monkeypatch.setattr(racks, "WORSE_SECONDS", 0.0)

    async def story() -> None:
        trip = Trip("a", "b", "c")
        trip.racks.failed(errors.CassErrorServerOverloaded("says nothing of others"))
        assert trip.opened == ["a"]
        trip.made["a"].fault = trip.made["b"].fault = UNAVAILABLE
        trip.racks.failed(UNAVAILABLE)
        trip.racks.failed(UNAVAILABLE)
        await trip.until("c")
        assert trip.opened == ["a", "b", "c"]
        trip.made["b"].fault, trip.made["c"].fault = None, UNAVAILABLE
        trip.racks.failed(UNAVAILABLE)
        await trip.until("b")
        assert trip.racks.asked == "b"
        trip.made["a"].fault = None
        await trip.until("a")
        await trip.racks.close()
        assert all(driver.closed for driver in trip.made.values())

    run(story())


def test_many_timeouts_in_a_short_time_are_a_reason_too(run: Run) -> None:
    """A node that was cut off just now takes a while to find out."""

    async def story() -> None:
        trip = Trip("a", "b")
        trip.made["a"].fault = UNAVAILABLE
        for _ in range(racks.TIMEOUTS - 1):
            trip.racks.failed(TIMED_OUT)
        trip.now += racks.TIMEOUT_SECONDS
        trip.racks.failed(TIMED_OUT)
        await asyncio.sleep(0)
        assert trip.opened == ["a"]
        for _ in range(racks.TIMEOUTS - 1):
            trip.racks.failed(TIMED_OUT)
        await trip.until("b")
        await trip.racks.close()

    run(story())


def test_a_rack_that_gets_answers_is_not_left(run: Run) -> None:
    """Too few copies of some rows are too few for every rack."""

    async def story() -> None:
        trip = Trip("a", "b")
        trip.racks.failed(UNAVAILABLE)
        await asyncio.sleep(0.01)
        trip.racks.failed(UNAVAILABLE)  # looked at just now
        assert trip.opened == ["a"]
        trip.made["a"].fault = UNAVAILABLE
        trip.now += racks.LOOK_SECONDS
        trip.racks.failed(UNAVAILABLE)
        await trip.until("b")
        await trip.racks.close()

    run(story())


def test_a_process_with_one_rack_stays_there(run: Run) -> None:
    async def story() -> None:
        trip = Trip("a")
        trip.racks.failed(UNAVAILABLE)
        await asyncio.sleep(0)
        assert trip.used.rack == "a"
        await trip.racks.close()

    run(story())


def test_a_request_that_one_rack_can_not_serve_is_served_by_the_next(contact: Contact, run: Run) -> None:
    """With what was prepared at the first; writes, conditional ones and reads."""

    class CutOff:
        """The driver's session with nodes that see no others."""

        def __init__(self, true: Any) -> None:
            self._true = true
            self.cut = False

        def __getattr__(self, name: str) -> Any:
            return getattr(self._true, name)

        async def execute(self, statement: Any) -> Any:
            if self.cut:
                raise UNAVAILABLE
            return await self._true.execute(statement)

    async def story() -> None:
        await schema.prepare(contact)
        plain = await Session.connect(contact, contact.keyspace)
        other = await Session.connect(contact, contact.keyspace)
        own = CutOff(plain._session)
        session = Session(own, contact)

        async def open_driver(rack: str) -> Any:
            return other._session

        session.stay_with(["near", "far"], open_driver)
        name = "racks " + secrets.token_hex(8)
        insert = "INSERT INTO meta (name, value) VALUES (?, ?) IF NOT EXISTS"
        select = "SELECT value FROM meta WHERE name = ?"
        change = "UPDATE meta SET value = ? WHERE name = ? IF value = ?"
        await session.conditional([(insert, (name, 1))])
        assert await session.rows(select, name) != []
        own.cut = True
        assert await session.rows(select, name) != []
        assert session._session is other._session
        first = await session.first(select, (name,), "LOCAL_QUORUM")
        assert await session.conditional([(change, (first[0] + 1, name, first[0]))]) is None
        await session.write("DELETE FROM meta WHERE name = ?", name, timestamp=1 << 60)
        own.cut = False
        await session.close()

    run(story())
