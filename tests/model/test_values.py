"""Attribute values: what is taken, sizes by DynamoDB's rules, equality and order."""

import random
from base64 import b64encode
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statordb.model import equality, values
from statordb.model.errors import ClientError

Value = dict[str, Any]

TOO_DEEP = (
    "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
)


def nested(levels: int, inner: Value) -> Value:
    for level in range(levels):
        inner = {"L": [inner]} if level % 2 else {"M": {"m": inner}}
    return inner


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": ""}, 0),
        ({"S": "abc"}, 3),
        ({"S": "é€😀"}, 2 + 3 + 4),
        ({"N": "100"}, 2),
        ({"B": ""}, 0),
        ({"B": "YQ=="}, 1),
        ({"B": "YWI="}, 2),
        ({"B": "YWJj"}, 3),
        ({"BOOL": False}, 1),
        ({"NULL": True}, 1),
        ({"SS": ["a", "é", ""]}, 3),
        ({"NS": ["1", "-1"]}, 5),
        ({"BS": ["YQ==", "YWI="]}, 3),
        ({"L": []}, 3),
        ({"L": [{"S": "ab"}, {"N": "1"}]}, 3 + 2 + 2 + 2),
        ({"M": {}}, 3),
        ({"M": {"é": {"S": "ab"}}}, 3 + 1 + 2 + 2),
    ],
)
def test_sizes(value: Value, size: int) -> None:
    """Checking and measuring agree, since what was checked is measured again only where it changes."""
    assert values.check(deepcopy(value)) == size == values.size(value)
    assert values.check_item({"名": deepcopy(value)}) == size + 3 == values.item_size({"名": value})


def test_numbers_are_normalised_in_place_wherever_they_are() -> None:
    value: Value = {"L": [{"N": "1.0"}, {"M": {"n": {"N": "1e1"}, "s": {"NS": ["2.50", "3"]}}}]}
    values.check(value)
    assert value == {"L": [{"N": "1"}, {"M": {"n": {"N": "10"}, "s": {"NS": ["2.5", "3"]}}}]}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
        (
            {"S": "a", "N": "1"},
            "Supplied AttributeValue has more than one datatypes set, "
            "must contain exactly one of the supported datatypes",
        ),
        # What is wrong with one of several types is told before that there are several.
        ({"S": "a", "N": "x"}, "The parameter cannot be converted to a numeric value: x"),
        (
            {"NULL": False},
            "One or more parameter values were invalid: Null attribute value types must have the value of true",
        ),
        ({"SS": []}, "One or more parameter values were invalid: An string set  may not be empty"),
        ({"NS": []}, "One or more parameter values were invalid: An number set  may not be empty"),
        ({"BS": []}, "One or more parameter values were invalid: Binary sets should not be empty"),
        (
            {"SS": ["a", "b", "a"]},
            "One or more parameter values were invalid: Input collection [a, b, a] contains duplicates.",
        ),
        ({"NS": ["1", "1.0"]}, "Input collection contains duplicates"),
        (
            {"BS": ["YQ==", "YQ=="]},
            "One or more parameter values were invalid: Input collection [YQ==, YQ==]of type BS contains duplicates.",
        ),
        ({"M": {"": {"S": "a"}}}, "Empty attribute name"),
        ({"L": [{"L": [{"N": "x"}]}]}, "The parameter cannot be converted to a numeric value: x"),
    ],
)
def test_refused_values(value: Value, message: str) -> None:
    with pytest.raises(ClientError) as caught:
        values.check(value)
    assert caught.value.message == message


def test_an_item_with_an_empty_attribute_name_is_refused() -> None:
    with pytest.raises(ClientError, match="Empty attribute name"):
        values.check_item({"": {"S": "a"}})


@pytest.mark.parametrize("inner", [{"S": "a"}, {"SS": ["a"]}, {"NULL": True}])
def test_thirty_one_documents_may_hold_a_value(inner: Value) -> None:
    """The value is the thirty-second level."""
    value = nested(31, inner)
    values.check(value)
    assert values.depth_of(value) == 31
    with pytest.raises(ClientError) as caught:
        values.check(nested(32, inner))
    assert caught.value.message == TOO_DEEP


@pytest.mark.parametrize("empty", [{"L": []}, {"M": {}}])
def test_an_empty_document_is_a_level_too(empty: Value) -> None:
    """Else such an item could be put, and no update could ever write that attribute again."""
    values.check(nested(30, empty))
    with pytest.raises(ClientError) as caught:
        values.check(nested(31, empty))
    assert caught.value.message == TOO_DEEP


scalars = st.one_of(
    st.text(max_size=5).map(lambda text: {"S": text}),
    st.integers(-1000, 1000).map(lambda number: {"N": str(number)}),
    st.binary(max_size=5).map(lambda content: {"B": b64encode(content).decode()}),
    st.booleans().map(lambda truth: {"BOOL": truth}),
    st.just({"NULL": True}),
    st.sets(st.text(max_size=3), min_size=1, max_size=4).map(lambda members: {"SS": sorted(members)}),
    st.sets(st.integers(0, 20), min_size=1, max_size=4).map(lambda members: {"NS": [str(n) for n in sorted(members)]}),
    st.sets(st.binary(max_size=2), min_size=1, max_size=4).map(
        lambda members: {"BS": [b64encode(each).decode() for each in sorted(members)]}
    ),
)
documents = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda members: {"L": members}),
        st.dictionaries(st.text(min_size=1, max_size=3), inner, max_size=3).map(lambda members: {"M": members}),
    ),
    max_leaves=8,
)


def shuffled(value: Value, seed: int) -> Value:
    """The same value: sets and maps in another order."""
    (tag, content), mixed = next(iter(value.items())), random.Random(seed)
    if tag in ("SS", "NS", "BS"):
        return {tag: mixed.sample(content, len(content))}
    if tag == "L":
        return {tag: [shuffled(member, seed) for member in content]}
    if tag == "M":
        names = mixed.sample(list(content), len(content))
        return {tag: {name: shuffled(content[name], seed) for name in names}}
    return dict(value)


def canonical(value: Value) -> Any:
    tag, content = next(iter(value.items()))
    if tag in ("SS", "NS", "BS"):
        return tag, frozenset(content)
    if tag == "L":
        return tag, tuple(map(canonical, content))
    if tag == "M":
        return tag, frozenset((name, canonical(member)) for name, member in content.items())
    return tag, content


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(documents, documents, st.integers(0, 1000))
def test_equality_is_deep_and_knows_no_order_of_sets(a: Value, b: Value, seed: int) -> None:
    again = shuffled(a, seed)
    assert equality.equal(a, again)
    assert equality.equal(again, a)
    assert equality.equal(a, b) is (canonical(a) == canonical(b)) is equality.equal(b, a)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(documents)
def test_a_checked_value_has_the_size_that_its_check_gave(value: Value) -> None:
    assert values.check(value) == values.size(value)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ({"S": "a"}, {"B": "a"}),
        ({"BOOL": True}, {"NULL": True}),
        ({"SS": ["1"]}, {"NS": ["1"]}),
        ({"L": [{"S": "a"}, {"S": "b"}]}, {"L": [{"S": "b"}, {"S": "a"}]}),
        ({"M": {"a": {"S": "a"}}}, {"M": {"b": {"S": "a"}}}),
        ({"L": []}, {"M": {}}),
    ],
)
def test_different_values(a: Value, b: Value) -> None:
    """Neither the type nor the order of a list is overlooked; all else of a value is compared as it stands."""
    assert not equality.equal(a, b)


@pytest.mark.parametrize(
    "ordered",
    [
        [{"N": "-10"}, {"N": "-9"}, {"N": "0"}, {"N": "0.5"}, {"N": "1e2"}],
        # UTF-8 order: U+FFFF is below U+10000, which UTF-16 would not say.
        [{"S": ""}, {"S": "Z"}, {"S": "a"}, {"S": "é"}, {"S": "\uffff"}, {"S": "\U00010000"}],
        [{"B": ""}, {"B": "AA=="}, {"B": "AAA="}, {"B": "fw=="}, {"B": "gA=="}, {"B": "/w=="}],
    ],
)
def test_order(ordered: list[Value]) -> None:
    for value in ordered:
        values.check(value)
    for i, a in enumerate(ordered):
        for j, b in enumerate(ordered):
            assert values.compare(a, b) == (i > j) - (i < j)
