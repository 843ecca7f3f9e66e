"""The expiry index: which items it holds, and which of them are due."""

from typing import Any

import pytest

from statordb.model.schema import KeyAttribute, KeySchema
from statordb.store import codec
from statordb.store.access import PrimaryPath
from statordb.store.image import Image
from statordb.store.indexes.expiry import OLDEST_SECONDS, PARTITIONS, ExpiryIndex
from statordb.store.records import ExpiryRecord

INDEX = ExpiryIndex(ExpiryRecord("ttl", 1001, True), PrimaryPath(1000, KeySchema((KeyAttribute("p", "S"),), ())))
NOW = 1_700_000_000.25


def image(ttl: Any, key: str = "a") -> Image:
    item = {"p": {"S": key}, "more": {"S": "x"}}
    return Image.of(item if ttl is None else {**item, "ttl": ttl}, 9)


@pytest.mark.parametrize("ttl", [None, {"S": "1700000000"}, {"NS": ["1700000000"]}, {"NULL": True}])
def test_what_is_no_number_never_expires(ttl: Any) -> None:
    assert INDEX.entry(image(ttl)) is None
    assert not INDEX.due(image(ttl), NOW)


@pytest.mark.parametrize(
    ("at", "due"),
    [
        ("1700000000", True),
        ("1700000001", False),
        ("1699999999.5", True),
        (str(1_700_000_000 - OLDEST_SECONDS + 1), True),
        (str(1_700_000_000 - OLDEST_SECONDS - 1), False),  # more than five years ago: taken for no time at all
        ("0", False),
        ("-5", False),
        ("1" + "0" * 100, False),
        ("1700000000000", False),  # milliseconds, a common mistake
    ],
)
def test_what_is_due_lies_within_the_bounds(at: str, due: bool) -> None:
    """The keeper looks at what is within, and asks again for each item."""
    value = image({"N": at})
    entry = INDEX.entry(value)
    assert entry is not None
    lower, upper = INDEX.expired(NOW)
    assert (lower <= entry[0].sort and (upper is None or entry[0].sort < upper)) is due
    assert INDEX.due(value, NOW) is due


def test_entries_hold_the_key_and_are_spread() -> None:
    entries = [INDEX.entry(image({"N": "5"}, str(number))) for number in range(200)]
    assert all(entry is not None and codec.decode(entry[1]).keys() == {"p"} for entry in entries)
    assert {entry[0].partition for entry in entries if entry} == {bytes((n,)) for n in range(PARTITIONS)}
    assert len({entry[0] for entry in entries if entry}) == 200  # equal times, and still apart


def test_an_entry_moves_with_its_time() -> None:
    derived: list[tuple[Any, bytes | None]] = []
    old, new = image({"N": "5"}), image({"N": "6"})
    assert INDEX.update(old, new, lambda key, body: derived.append((key, body))) == (0, 0, 0)
    before, after = INDEX.entry(old), INDEX.entry(new)
    assert before is not None
    assert derived == [(before[0], None), after]
    derived.clear()
    INDEX.update(new, new, lambda key, body: derived.append((key, body)))
    assert derived == []
