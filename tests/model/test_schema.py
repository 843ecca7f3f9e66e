"""Key schemas: parsed from requests, held against items, projected."""

from typing import Any

import pytest

from statordb.model.clock import ManualClock
from statordb.model.schema import KeyAttribute, KeySchema, is_key, project, projected_names, too_long

DEFINITIONS = [{"AttributeName": name, "AttributeType": type} for name, type in ("aS", "bN", "cB", "dS")]


def schema(*names: str, hashes: int = 1) -> KeySchema:
    return KeySchema.parse(
        [
            {"AttributeName": name, "KeyType": "HASH" if position < hashes else "RANGE"}
            for position, name in enumerate(names)
        ],
        DEFINITIONS,
    )


def test_a_schema_keeps_the_order_of_its_attributes() -> None:
    parsed = schema("d", "a", "c", "b", hashes=2)
    assert parsed.partition == (KeyAttribute("d", "S"), KeyAttribute("a", "S"))
    assert parsed.sort == (KeyAttribute("c", "B"), KeyAttribute("b", "N"))
    assert parsed.names == ("d", "a", "c", "b")


@pytest.mark.parametrize(
    ("item", "whole"),
    [
        ({"a": {"S": "x"}, "b": {"N": "0"}}, True),
        ({"a": {"S": "x"}, "b": {"N": "0"}, "more": {"S": ""}}, True),
        ({"a": {"S": "x"}}, False),
        ({"a": {"S": ""}, "b": {"N": "0"}}, False),
        ({"a": {"N": "1"}, "b": {"N": "0"}}, False),
        ({}, False),
    ],
)
def test_which_items_have_the_whole_key(item: dict[str, Any], whole: bool) -> None:
    assert is_key(schema("a", "b"), item) is whole


def test_a_key_of_several_attributes_is_measured_as_a_whole() -> None:
    item = {"a": {"S": "é" * 10}, "d": {"S": "y" * 12}}
    attributes = schema("a", "d").attributes
    assert too_long(attributes, item, 31)
    assert not too_long(attributes, item, 32)


@pytest.mark.parametrize(
    ("projection", "names"),
    [
        ({"ProjectionType": "ALL"}, None),
        ({"ProjectionType": "KEYS_ONLY"}, {"a", "b"}),
        ({"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x", "a"]}, {"a", "b", "x"}),
    ],
)
def test_projections(projection: dict[str, Any], names: set[str] | None) -> None:
    """Keys are always projected, named or not."""
    assert projected_names(projection, ("a", "b")) == names


def test_projected_items_keep_what_is_named() -> None:
    item = {"a": {"S": "x"}, "b": {"N": "1"}}
    assert project(item, frozenset(("b", "c"))) == {"b": {"N": "1"}}


def test_a_manual_clock_stands_until_it_is_moved() -> None:
    clock = ManualClock(100.0)
    assert clock.now() == clock.now() == 100.0
    clock.advance(2.5)
    assert clock.now() == 102.5
