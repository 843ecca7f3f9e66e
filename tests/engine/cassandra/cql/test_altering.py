"""Many changes of the schema at once, by way of one node."""

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest

from statordb.engine.cassandra.cql import altering, schema
from statordb.engine.cassandra.cql.session import Contact, Session
from statordb.engine.contract import StoreUnusable

Run = Callable[[Coroutine[Any, Any, Any]], Any]
LOOKS = 6  # more than there are nodes: each is asked


def test_a_keyspace_that_several_make_at_once_is_one_to_all_nodes(contact: Contact, session: Session, run: Run) -> None:
    """A table that two nodes had given an id each would keep them from agreeing for ever."""
    new = replace(contact, keyspace=f"several_{secrets.token_hex(4)}")

    async def story() -> None:
        await asyncio.gather(*(schema.prepare(new) for _ in range(3)))
        text = "SELECT table_name, id FROM system_schema.tables WHERE keyspace_name = ?"
        found = [await session.rows(text, new.keyspace, consistency="ONE") for _ in range(LOOKS)]
        assert {name for (name, _) in found[0]} == {*schema.TABLES}
        assert found == [found[0]] * LOOKS
        await session.schema(f"DROP KEYSPACE {new.keyspace}")

    run(story())


def test_nodes_that_are_known_by_other_addresses_are_asked_as_usual(
    contact: Contact, session: Session, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise StoreUnusable("nobody is there")

    async def story() -> None:
        names = [f"{contact.keyspace}.t{secrets.token_hex(4)}" for _ in range(2)]
        await altering.alter(session, [f"CREATE TABLE {name} (id int PRIMARY KEY)" for name in names])
        for name in names:
            assert await session.rows(f"SELECT id FROM {name}") == []
        await altering.alter(session, [f"DROP TABLE {name}" for name in names])

    monkeypatch.setattr(altering, "open_driver", refuse)
    run(story())
