"""The server's own rows, while transactions over them go on elsewhere."""

from typing import Any

import pytest
from tests.store.engines import Held
from tests.store.kit import ACCOUNT, REGION, Kit

from statordb.engine.contract import Effects, Key, Refused, Stored
from statordb.store import contention
from statordb.store.catalog import Catalog
from statordb.store.contention import ATTEMPTS_MAX, Contended
from statordb.store.keyspace import Space

KEY = Key(Space.LEASES, b"a", b"")


def put(stored: list[Stored | None]) -> Effects:
    return Effects(writes=((KEY, b"x"),), outcome="done")


@pytest.fixture
def held(kit: Kit) -> Held:
    return Held(kit.engine)


def test_an_update_outlasts_conflicts(kit: Kit, held: Held) -> None:
    held.hold(KEY, times=ATTEMPTS_MAX - 1)
    outcome: Any = kit.run(contention.update(held.as_engine(), (KEY,), put))
    assert outcome.outcome == "done"
    assert kit.body(KEY) == b"x"


def test_it_gives_up_in_the_end_and_tells_what_was_held(kit: Kit, held: Held) -> None:
    held.hold(KEY)
    with pytest.raises(Contended) as raised:
        kit.run(contention.update(held.as_engine(), (KEY,), put))
    assert raised.value.args == ([KEY],)
    assert held.refused == ATTEMPTS_MAX
    assert kit.body(KEY) is None


def test_a_refusal_is_no_conflict(kit: Kit, held: Held) -> None:
    assert kit.run(contention.update(held.as_engine(), (KEY,), lambda stored: Refused("no"))) == Refused("no")


def test_tables_are_changed_in_spite_of_conflicts(kit: Kit, held: Held) -> None:
    catalog = Catalog(held.as_engine(), kit.clock, kit.store.kms.keys, kit.store.taps)
    record = kit.record()
    held.hold(Key(Space.CATALOG, f"tables/{ACCOUNT}/{REGION}".encode(), b"abc"), times=2)
    assert kit.run(catalog.change(ACCOUNT, REGION, "abc", lambda old: record)) is record
    assert held.refused == 2
