"""The cluster that other suites build on: it has the shape it says, and keeps what it acknowledged."""

import asyncio
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.cassandra.cluster import configuration
from tests.cassandra.cluster.cluster import BOOT_SECONDS_MAX, Cluster
from tests.cassandra.cluster.node import Node
from tests.pace import HANGS_SECONDS, until

from statordb.engine.cassandra.cql.patience import insist
from statordb.engine.cassandra.cql.session import Contact, Session

INSERT = "INSERT INTO facts (id, value) VALUES (?, ?) IF NOT EXISTS"
ALL = "SELECT id, value FROM facts"


class Facts:
    """A table of a test's own, with a connection to it for each use."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._keyspace = f"facts_{uuid4().hex}"
        asyncio.run(self._create())

    def add(self, facts: range) -> None:
        """By conditional writes, each acknowledged by a majority: tried again where nodes answer late, as they do that
        have just been started."""
        asyncio.run(self._add(facts))

    def read(self) -> set[int]:
        return {identity for identity, value in self.ask(ALL) if value == str(identity)}

    def ask(self, text: str) -> list[tuple[Any, ...]]:
        return asyncio.run(self._rows(text))

    async def _connect(self, keyspace: str | None) -> Session:
        contact = Contact(self._cluster.hosts, datacenter=self._cluster.datacenter)
        return await Session.connect(contact, keyspace)

    async def _create(self) -> None:
        session = await self._connect(None)
        replication = f"{{'class': 'NetworkTopologyStrategy', '{self._cluster.datacenter}': 3}}"
        await session.schema(f"CREATE KEYSPACE {self._keyspace} WITH replication = {replication}")
        await session.schema(f"CREATE TABLE {self._keyspace}.facts (id int PRIMARY KEY, value text)")
        await session.close()

    async def _add(self, facts: range) -> None:
        session = await self._connect(self._keyspace)
        stood = await asyncio.gather(*(self._insert(session, fact) for fact in facts))
        assert all(there is None or there[0]["value"] == str(fact) for fact, there in zip(facts, stood, strict=True))
        await session.close()

    async def _insert(self, session: Session, fact: int) -> list[dict[str, Any]] | None:
        """What stood there already: what a try before has left that was not answered."""
        return await insist(lambda: session.conditional([(INSERT, (fact, str(fact)))]), HANGS_SECONDS)

    async def _rows(self, text: str) -> list[tuple[Any, ...]]:
        session = await self._connect(self._keyspace)
        rows = await session.rows(text)
        await session.close()
        return rows


@pytest.fixture(scope="module")
def facts(own_cassandra: Cluster) -> Facts:
    return Facts(own_cassandra)


def test_every_node_knows_the_others(own_cassandra: Cluster, facts: Facts) -> None:
    known = facts.ask("SELECT peer, data_center, rack FROM system.peers")
    assert len(known) == 2  # all but the node that was asked
    assert set(known) < {(host, "dc1", f"rack{number}") for number, host in enumerate(own_cassandra.hosts, start=1)}
    until(own_cassandra.serves, "all nodes serve")


def test_nodes_share_the_ring_in_equal_parts() -> None:
    dealt = sorted(token for number in (1, 2, 3) for token in configuration.tokens(number, 3))
    parts = [after - before for before, after in zip(dealt, [*dealt[1:], dealt[0] + 2**64], strict=True)]
    assert max(parts) - min(parts) <= 1
    assert dealt[0] == -(2**63)


def test_a_killed_node_is_not_missed_and_comes_back(breakable_cassandra: Cluster, facts: Facts) -> None:
    node = breakable_cassandra.nodes[1]
    facts.add(range(100, 150))
    node.kill()
    assert node.pid is None
    assert not node.serves()
    facts.add(range(150, 200))
    assert facts.read() >= set(range(100, 200))
    node.start()
    breakable_cassandra.wait()
    assert facts.read() >= set(range(100, 200))


def test_what_was_acknowledged_outlives_the_death_of_all_nodes(breakable_cassandra: Cluster, facts: Facts) -> None:
    facts.add(range(200, 300))
    breakable_cassandra.kill()
    assert not any(node.serves() for node in breakable_cassandra.nodes)
    breakable_cassandra.start()
    assert facts.read() >= set(range(200, 300))


def test_a_paused_node_answers_again_when_it_goes_on(breakable_cassandra: Cluster) -> None:
    node = breakable_cassandra.nodes[2]
    node.pause()
    assert node.paused
    assert not node.serves()
    node.resume()
    breakable_cassandra.wait()
    until(breakable_cassandra.serves, "all nodes serve")


def test_a_node_that_ends_by_itself_is_told_on(tmp_path: Path) -> None:
    """Its data can't be written: no reason to wait until time is up."""
    cluster = Cluster(tmp_path, nodes=1, network="127.0.2", quick=True, bound=True)
    (tmp_path / "node1").mkdir()
    (tmp_path / "node1" / "data").write_text("a file where a folder is needed")
    begun = time.monotonic()
    with pytest.raises(RuntimeError, match="does not serve"):
        cluster.start()
    assert time.monotonic() - begun < HANGS_SECONDS < BOOT_SECONDS_MAX
    cluster.remove()


def test_a_process_id_that_another_process_got_since_is_not_ours(tmp_path: Path) -> None:
    node = Node(tmp_path, 1, ["127.0.2.1"], quick=True)
    (tmp_path / "pid").write_text("1 999999999999")  # the first process of the machine, with another start
    assert node.pid is None


def test_the_others_answer_for_the_rack_that_is_asked_first(breakable_cassandra: Cluster) -> None:
    node = breakable_cassandra.nodes[1]

    async def asked(session: Session) -> str:
        rows = await session.rows("SELECT rack FROM system.local", consistency="ONE")
        return str(rows[0][0])

    async def ask() -> None:
        contact = Contact(breakable_cassandra.hosts, datacenter=breakable_cassandra.datacenter)
        session = await Session.connect(contact, "system", ["rack2"])
        assert await asked(session) == "rack2"
        await asyncio.to_thread(node.kill)  # the longer it takes, the more often is looked whether it is done
        assert await asked(session) in {"rack1", "rack3"}
        node.start()
        await asyncio.to_thread(breakable_cassandra.wait)
        async with asyncio.timeout(HANGS_SECONDS):
            while await asked(session) != "rack2":
                await asyncio.sleep(0.1)
        await session.close()

    asyncio.run(ask())
