"""Rows on a cluster are sealed: nothing readable is in its tables, and a keyspace of before is sealed by a command."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from tests.engine.sealed import roots_in, seal

from statordb.engine.cassandra.cql import schema
from statordb.engine.cassandra.cql.session import Contact, Session
from statordb.engine.cassandra.engine import CassandraEngine
from statordb.engine.cassandra.owed.rewriting import rewrite_store
from statordb.engine.contract import Bounds, Effects, Engine, Key, PageBudget, StoreUnusable, Use
from statordb.store.keyspace import Space
from statordb.store.sealed.sealing import Sealing

AMPLE = PageBudget(1000, 1 << 20)
SECRET, SORTED = b"planted", b"sorted"
BODY = b"\x01\x00\x00\x00\x09" + SECRET
SHARD = b"shard"


async def write(engine: Engine, spaces: tuple[int, int, int, int], name: bytes) -> None:
    """An item with a local and a global index entry and a change; then two items at once, which goes by a verdict."""
    rows, local, derived, log = spaces
    for partitions in ((name,), (name + b"-1", name + b"-2")):
        keys = [Key(rows, SECRET + each, SORTED) for each in partitions]
        effects = Effects(
            [(key, BODY) for key in keys],
            [
                entry
                for key in keys
                for entry in (
                    (Key(local, key.partition, SORTED + b"-local"), BODY, key),
                    (
                        Key(derived, SECRET + b"-index", SORTED + key.partition[-6:].hex().encode() + bytes(16)),
                        BODY,
                        key,
                    ),
                )
            ],
            [(log, SHARD, b"\x03" + SECRET + key.partition) for key in keys],
        )
        await engine.update(keys, lambda stored, effects=effects: effects)  # type: ignore[misc]


async def read(engine: Engine, spaces: tuple[int, int, int, int]) -> list[Any]:
    rows, local, derived, log = spaces
    found = [sorted((await engine.scan(space, 0, 1, AMPLE)).rows) for space in (rows, local)]
    entries = (await engine.range(derived, SECRET + b"-index", Bounds(), True, AMPLE)).bodies
    return [*found, entries, sorted(change.body for change in await engine.log(log, SHARD, 0, AMPLE))]


async def planted(contact: Contact) -> list[str]:
    """The Cassandra tables that have what was planted, in anything but sort keys."""
    session = await Session.connect(contact, contact.keyspace)
    try:
        text = "SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?"
        found = []
        for (table,) in await session.rows(text, contact.keyspace, consistency="ONE"):
            rows = await session.rows(f"SELECT * FROM {table}")
            if SECRET in b"".join(value for row in rows for value in row if isinstance(value, bytes)):
                found.append(table)
        return found
    finally:
        await session.close()


async def spaces_of(engine: Engine) -> tuple[int, int, int, int]:
    rows = await engine.create_space()
    local = await engine.create_space(within=rows)
    return rows, local, await engine.create_space(Use.DERIVED), await engine.create_space(Use.LOG)


def test_a_keyspace_of_before_is_sealed_and_what_is_written_then_too(
    cassandra_hosts: tuple[str, ...], tmp_path: Path
) -> None:
    # A name of its own: test runs share a cluster, and the keys of another run's keyspace are gone with it.
    contact = Contact(hosts=cassandra_hosts, datacenter="dc1", keyspace=f"sealed_{os.urandom(4).hex()}")

    async def history() -> None:
        bare: Engine = await CassandraEngine.open(contact, table_pool=1)
        spaces = await spaces_of(bare)
        await write(bare, spaces, b"-before")
        before = await read(bare, spaces)
        assert all(len(each) == 3 for each in before)
        await bare.close()
        assert await planted(contact), "the judge reads what was written"
        session = await Session.connect(contact, contact.keyspace)
        await session.conditional([("UPDATE meta SET value = ? WHERE name = 'format' IF EXISTS", (3,))])
        await session.close()
        with pytest.raises(StoreUnusable, match="cluster init"):
            await CassandraEngine.open(contact)
        await schema.prepare(contact, may_be_open=True)
        roots = roots_in(tmp_path)
        for _ in range(2):  # the second one finds nothing to do
            await rewrite_store(contact, lambda known: Sealing(known, roots), (Space.SEAL, Space.CATALOG))
        assert await planted(contact) == []
        engine = await seal(await CassandraEngine.open(contact, table_pool=1), tmp_path)
        assert await read(engine, spaces) == before
        await write(engine, spaces, b"-after")
        assert all(len(each) == 6 for each in await read(engine, spaces))
        await engine.update(
            (Key(spaces[0], SECRET + b"-before", SORTED),),
            lambda stored: Effects(writes=((Key(spaces[0], SECRET + b"-before", SORTED), None),)),
        )
        assert await engine.get(Key(spaces[0], SECRET + b"-before", SORTED)) is None
        await engine.close()
        assert await planted(contact) == []

    asyncio.run(history())
