"""Whose nodes a process asks: those of one rack, while they answer."""

from dataclasses import replace

import pytest
from tests.engine.cassandra.conftest import Run

from statordb.engine.cassandra.cql import schema
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
        session = await Session.connect(contact, contact.keyspace, rack)
        asked = [await session.rows("SELECT rack FROM system.local", consistency="ONE") for _ in range(ASKED)]
        await session.close()
        return {rows[0][0] for rows in asked}

    racks = run(schema.prepare(contact))
    assert racks == [f"rack{number}" for number in range(1, run(count_nodes()) + 1)]
    for rack in racks:
        assert run(ask(rack)) == {rack}


def test_a_rack_that_is_not_there_is_refused(contact: Contact, run: Run) -> None:
    with pytest.raises(StoreUnusable, match="the datacenter dc1 has no rack nowhere, only rack1"):
        run(CassandraEngine.open(replace(contact, rack="nowhere")))
