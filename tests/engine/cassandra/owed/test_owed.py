"""What is owed, as bytes: read by processes of other releases too."""

import pytest

from statordb.engine.cassandra.cluster.announcements import NAMES_BYTES_MAX, Announced
from statordb.engine.cassandra.owed.owed import Derived, Owed

DERIVED = [Derived(7, b"p", b"s", b"body", 5), Derived(8, b"", b"", None, 6)]
CHANGES = [(9, b"shard", b"change"), (9, b"", b"")]
# As releases wrote it whose keyspaces have format 2, with an announcement.
FORMAT_2 = bytes.fromhex(
    "0101000000020000000200000000000000070000000000000005000000010000000100000004707362 6f6479"
    "0000000000000008000000000000000600000000 00000000 ffffffff"
    "000000000000000900000005 00000006 7368617264 6368616e6765"
    "00000000000000090000000000000000".replace(" ", "")
)


@pytest.mark.parametrize("announce", [False, True, ("a", "b")])
def test_it_comes_back(announce: Announced) -> None:
    owed = Owed(DERIVED, CHANGES, announce)
    assert Owed.decode(owed.encode()) == owed


def test_what_names_too_much_comes_back_as_anything() -> None:
    assert Owed.decode(Owed([], [], ("x" * NAMES_BYTES_MAX,)).encode()).announce is True


def test_earlier_releases_named_nothing_and_pass_over_names() -> None:
    assert Owed.decode(FORMAT_2) == Owed(DERIVED, CHANGES, True)
    assert Owed(DERIVED, CHANGES, True).encode() == FORMAT_2
    assert Owed(DERIVED, CHANGES, ("a",)).encode().startswith(FORMAT_2)
