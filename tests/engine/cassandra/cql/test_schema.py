"""The format of a keyspace: a newer server leads it on, an older one refuses it."""

from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from statordb.engine.cassandra.cql import schema
from statordb.engine.cassandra.cql.schema import FORMAT, REWRITING
from statordb.engine.cassandra.cql.session import SERIAL, Contact, Session
from statordb.engine.contract import FormatTooNew, StoreUnusable

Run = Callable[[Coroutine[Any, Any, Any]], Any]


class Kept:
    """The number that a keyspace has."""

    def __init__(self, session: Session, run: Run) -> None:
        self._session = session
        self._run = run

    @property
    def number(self) -> int:
        text = "SELECT value FROM meta WHERE name = 'format'"
        found: int = self._run(self._session.rows(text, consistency=SERIAL))[0][0]
        return found

    @number.setter
    def number(self, number: int) -> None:
        text = "UPDATE meta SET value = ? WHERE name = 'format' IF EXISTS"
        assert self._run(self._session.conditional([(text, (number,))])) is None


@pytest.fixture
def kept(session: Session, run: Run) -> Iterator[Kept]:
    made = Kept(session, run)
    yield made
    made.number = FORMAT
    run(session.conditional([("DELETE FROM meta WHERE name = ? IF EXISTS", (REWRITING,))]))


def test_a_newer_server_leads_a_keyspace_on(contact: Contact, kept: Kept, run: Run) -> None:
    kept.number = 1
    run(schema.prepare(contact, may_be_open=True))
    assert kept.number == FORMAT
    with pytest.raises(StoreUnusable, match="not sealed yet"):
        run(schema.prepare(contact))


def test_a_keyspace_gets_what_its_format_lacks(contact: Contact, session: Session, kept: Kept, run: Run) -> None:
    """Of format 2: there is no room beside the epoch for what announcements name."""
    kept.number = 2
    run(session.schema(f"ALTER TABLE {contact.keyspace}.meta DROP news"))
    run(schema.prepare(contact, may_be_open=True))
    assert kept.number == FORMAT
    assert run(session.rows("SELECT news FROM meta WHERE name = 'epoch'", consistency=SERIAL)) == [(None,)]


def test_an_older_server_refuses_a_keyspace(contact: Contact, kept: Kept, run: Run) -> None:
    kept.number = FORMAT + 1
    with pytest.raises(FormatTooNew) as refused:
        run(schema.prepare(contact))
    assert refused.value.args == (FORMAT + 1, FORMAT)
    assert kept.number == FORMAT + 1
