"""A keyspace for the tests of this folder, and sessions on it."""

import os
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from tests.cassandra.patient import have_patience
from tests.engine.cassandra.processes import Fleet

from statordb.engine.cassandra.cql import schema
from statordb.engine.cassandra.cql.session import Contact, Session

Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture(scope="session", autouse=True)
def _patience() -> None:
    have_patience()


@pytest.fixture
def contact(cassandra_hosts: tuple[str, ...]) -> Contact:
    return Contact(hosts=cassandra_hosts, datacenter="dc1", keyspace="engine_tests")


@pytest.fixture
def session(contact: Contact, run: Run) -> Iterator[Session]:
    """A session on the keyspace, which is made if need be and may hold what other tests left."""

    async def connect() -> Session:
        await schema.prepare(contact)
        return await Session.connect(contact, contact.keyspace)

    session: Session = run(connect())
    yield session
    run(session.close())


@pytest.fixture
def fleet(cassandra_hosts: tuple[str, ...], run: Run) -> Iterator[Fleet]:
    """Processes that share a keyspace with nobody else, since they bury whom they find."""
    contact = Contact(
        cassandra_hosts, datacenter="dc1", keyspace="fleet_" + os.environ.get("PYTEST_XDIST_WORKER", "alone")
    )

    async def gather() -> Fleet:
        await schema.prepare(contact)
        made = Fleet(await Session.connect(contact, contact.keyspace))
        await made.clean()
        return made

    async def part(made: Fleet) -> None:
        await made.leave()
        await made.session.close()

    made: Fleet = run(gather())
    yield made
    run(part(made))
