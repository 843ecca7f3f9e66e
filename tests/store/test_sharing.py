"""Rows by which servers tell each other what they spend: two servers on one engine."""

from tests.store.kit import Kit

from statordb.engine.contract import Effects, Key
from statordb.store.keyspace import Space
from statordb.store.rows import all_rows
from statordb.store.sharing import STALE_SECONDS, Sharing, Told

REPORT = {"00000000000000ab": [10.0, 5.0, -0.5, 60.0]}


def servers(kit: Kit) -> tuple[Sharing, Sharing]:
    return Sharing(kit.engine, "one"), Sharing(kit.engine, "two")


async def count(kit: Kit) -> int:
    return len([row async for row in all_rows(kit.engine, Space.SHARES)])


def test_a_server_hears_what_others_tell(kit: Kit) -> None:
    one, two = servers(kit)
    kit.run(one.tell(REPORT, 100.0))
    assert kit.run(two.heard(1.0)) == {"one": Told(100.0, REPORT)}
    assert kit.run(one.heard(1.0)) == {}


def test_nothing_is_written_while_there_is_nothing_to_tell(kit: Kit) -> None:
    one, two = servers(kit)
    kit.run(one.tell({}, 100.0))
    assert kit.run(count(kit)) == 0
    kit.run(one.tell(REPORT, 101.0))
    kit.run(one.tell({}, 102.0))
    assert kit.run(count(kit)) == 0
    assert kit.run(two.heard(1.0)) == {}


def test_the_row_of_a_server_that_is_gone_is_taken_away(kit: Kit) -> None:
    one, two = servers(kit)
    kit.run(one.tell(REPORT, 100.0))
    kit.run(two.heard(1.0))
    kit.run(one.tell(REPORT, 130.0))
    assert kit.run(two.heard(STALE_SECONDS))  # it has told anew meanwhile
    assert kit.run(two.heard(2 * STALE_SECONDS - 1))
    assert kit.run(two.heard(2 * STALE_SECONDS + 1)) == {}
    assert kit.run(count(kit)) == 0


def test_what_a_newer_release_tells_is_left_alone(kit: Kit) -> None:
    key = Key(Space.SHARES, b"servers", b"new")
    newer = b'{"format": 2, "something": "else"}'
    kit.run(kit.engine.update((key,), lambda stored: Effects(writes=((key, newer),))))
    _, two = servers(kit)
    assert kit.run(two.heard(1.0)) == {}
