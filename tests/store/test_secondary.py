"""Secondary indexes: which entries an item has, what a change of it costs, and that tallies are the real counts."""

from base64 import b64encode
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.store.kit import Kit

from statordb.engine.contract import Key
from statordb.metering.units import write_units
from statordb.model.schema import KeyAttribute, KeySchema
from statordb.model.values import Item, check_item
from statordb.store import codec
from statordb.store.access import PrimaryPath
from statordb.store.image import Image
from statordb.store.indexes.secondary import SecondaryIndex
from statordb.store.records import IndexRecord

BASE = PrimaryPath(1000, KeySchema((KeyAttribute("p", "S"),), ()))
DEFINITIONS = [{"AttributeName": name, "AttributeType": "S"} for name in "pgh"]


def index_of(hashes: str = "g", ranges: str = "", **projection: Any) -> SecondaryIndex:
    key_schema = [{"AttributeName": name, "KeyType": "HASH"} for name in hashes]
    key_schema += [{"AttributeName": name, "KeyType": "RANGE"} for name in ranges]
    projection = projection or {"ProjectionType": "ALL"}
    return SecondaryIndex(IndexRecord("i", False, 1001, key_schema, projection), DEFINITIONS, BASE)


def image(**content: str) -> Image:
    item: Item = {"p": {"S": "a"}, **{name: {"S": text} for name, text in content.items()}}
    return Image.of(item, check_item(item))


def update(index: SecondaryIndex, old: Image | None, new: Image | None) -> tuple[int, int, int, list[bool]]:
    """Rows, bytes, units, and what was derived: True for each entry put, False for each deleted."""
    derived: list[tuple[Key, bytes | None]] = []
    rows, size, units = index.update(old, new, lambda key, body: derived.append((key, body)))
    return rows, size, units, [body is not None for _, body in derived]


def test_only_items_with_the_whole_key_have_an_entry() -> None:
    index = index_of("g", "h")
    assert index.entry(None) is None
    assert index.entry(image(g="x")) is None
    assert index.entry(image(h="x")) is None
    entry = index.entry(image(g="x", h="y"))
    assert entry is not None
    assert entry[0].space == 1001
    assert entry[0].partition == b"x"
    wrong_type: Item = {"p": {"S": "a"}, "g": {"N": "1"}, "h": {"S": "y"}}
    assert index.entry(Image.of(wrong_type, 8)) is None


def test_entries_hold_what_is_projected() -> None:
    item = image(g="x", h="y", z="zz")
    kept = {
        "ALL": {"p", "g", "h", "z"},
        "KEYS_ONLY": {"p", "g"},
    }
    for kind, names in kept.items():
        entry = index_of(ProjectionType=kind).entry(item)
        assert entry is not None
        assert entry[1].item.keys() == names
        assert entry[1].size == check_item(dict(entry[1].item))
    entry = index_of(ProjectionType="INCLUDE", NonKeyAttributes=["z", "none"]).entry(item)
    assert entry is not None
    assert entry[1].item.keys() == {"p", "g", "z"}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (None, image(g="x"), (1, 4, 1, [True])),
        (image(g="x"), None, (-1, -4, 1, [False])),
        (image(g="x"), image(g="x"), (0, 0, 0, [])),
        (image(g="x"), image(g="x", z="zz"), (0, 3, 1, [True])),
        (image(g="x"), image(g="y"), (0, 0, 2, [False, True])),
        (image(g="x"), image(z="zz"), (-1, -4, 1, [False])),
        (image(z="zz"), image(g="x"), (1, 4, 1, [True])),
        (image(z="zz"), image(z="z"), (0, 0, 0, [])),
        (image(g="x"), image(g="x", z="z" * 3000), (0, 3001, 3, [True])),
        (image(g="x", z="z" * 3000), image(g="y"), (0, -3001, 4, [False, True])),
    ],
)
def test_what_a_change_of_an_item_does(old: Image | None, new: Image | None, expected: tuple[Any, ...]) -> None:
    assert update(index_of(), old, new) == expected


def test_an_item_that_has_not_changed_is_not_even_parsed() -> None:
    body = image(g="x").body
    old, new = Image(body), Image(bytes(bytearray(body)))
    assert update(index_of(), old, new) == (0, 0, 0, [])
    assert old._item is None
    assert new._item is None


def test_a_change_of_what_is_not_projected_costs_nothing() -> None:
    index = index_of(ProjectionType="KEYS_ONLY")
    assert update(index, image(g="x"), image(g="x", z="zz")) == (0, 0, 0, [])


@pytest.mark.parametrize(("size", "units"), [(0, 1), (1, 1), (1024, 1), (1025, 2), (4096, 4), (4097, 5)])
def test_write_units(size: int, units: int) -> None:
    """Each kilobyte that is begun; an entry of no bytes is written too."""
    assert write_units(size) == units


def test_an_old_item_with_too_long_a_key_is_left_out() -> None:
    """It was there before the index; a write of it would be refused."""
    index = index_of("g", "h")
    assert index.entry(image(g="x" * 2048, h="y" * 1024)) is not None
    assert index.entry(image(g="x" * 2049, h="y")) is None
    assert index.entry(image(g="x", h="y" * 1025)) is None
    assert index.entry(image(g="x", h="\0" * 1024)) is not None
    assert index.entry(image(g="x", h="\0x" * 512)) is not None  # longer as a key than as a value


def test_the_longest_keys_can_be_stored(kit: Kit) -> None:
    """Four sort attributes of 1,024 bytes together, zeros in every other place: the longest bytes that can be."""
    definitions = "pB cB " + " ".join(f"{name}B" for name in "stuvwxyz")
    index = kit.index("ggg", "s t u v", "w x y z")
    table = kit.made(kit.record("abc", definitions, indexes=[index]))

    def worst(length: int) -> dict[str, str]:
        return {"B": b64encode(b"\0x" * (length // 2)).decode()}

    item: Item = {"p": worst(2048), "c": worst(1024)}
    item.update((name, worst(512)) for name in "stuv")
    item.update((name, worst(256)) for name in "wxyz")
    kit.put(table, item)
    assert len(kit.rows(index.space)) == 1
    assert kit.run(table.usage(index.space)).rows == 1


names = st.sampled_from(["x", "y", "z"])
writes = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.one_of(
            st.none(),
            st.fixed_dictionaries({}, optional={"g": names, "h": names, "l": names, "z": st.text("z", max_size=9)}),
        ),
    ),
    max_size=25,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writes)
def test_tallies_are_the_real_counts(kit: Kit, changes: list[tuple[str, dict[str, str] | None]]) -> None:
    """Of the table and of each index, after any writes: rows and bytes as a walk over all rows finds them."""
    indexes = [
        kit.index("local", "p", "l", local=True),
        kit.index("global", "g", projection={"ProjectionType": "KEYS_ONLY"}),
        kit.index("sparse", "g h", "l z", projection={"ProjectionType": "INCLUDE", "NonKeyAttributes": ["c"]}),
    ]
    table = kit.made(kit.record("abc", "pS cS gS hS lS zS", indexes=indexes))
    model: dict[str, Item] = {}
    for key, content in changes:
        item: Item = {"p": {"S": "p"}, "c": {"S": key}}
        if content is None:
            model.pop(key, None)
            kit.delete(table, item)
        else:
            model[key] = item = {**item, **{name: {"S": text} for name, text in content.items()}}
            kit.put(table, item)
    for space in table.record.spaces():
        rows = kit.rows(space)
        assert kit.run(table.usage(space)) == (len(rows), sum(codec.size(row.body) for row in rows))
    for index in table.indexes:
        entries = [index.entry(Image.of(item, check_item(item))) for item in model.values()]
        wanted = {(entry[0].partition, entry[0].sort): entry[1].body for entry in entries if entry is not None}
        assert {(row.partition, row.sort): row.body for row in kit.rows(index.space)} == wanted
