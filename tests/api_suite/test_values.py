"""Attribute values: numbers of 38 digits, sets, what may be empty, how deep, how large, and the keys."""

import math
from typing import Any

import pytest
from tests.api_suite.conftest import Client
from tests.api_suite.refusal import invalid

KIB = 1024
ITEM_BYTES_MAX = 400 * KIB


def _kept(client: Client, table: str, key: str, value: dict[str, Any]) -> Any:
    """The value as it comes back."""
    client.put_item(TableName=table, Item={"p": {"S": key}, "v": value})
    return client.get_item(TableName=table, Key={"p": {"S": key}}, ConsistentRead=True)["Item"]["v"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("1", "1"),
        ("-1.50", "-1.5"),
        ("+007", "7"),
        ("1e3", "1000"),
        ("0.0000001", "0.0000001"),
        ("-0", "0"),
        ("0e50", "0"),
        (".5", "0.5"),
        ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
        ("0.12345678901234567890123456789012345678", "0.12345678901234567890123456789012345678"),
        ("100000000000000000000000000000000000000000", "1" + "0" * 41),
    ],
)
def test_a_number_is_kept_in_one_form(client: Client, hash_table: str, unique: str, given: str, kept: str) -> None:
    assert _kept(client, hash_table, unique, {"N": given}) == {"N": kept}


@pytest.mark.parametrize("edge", ["9.9999999999999999999999999999999999999E+125", "1E-130", "-1E-130", "-9E125"])
def test_the_largest_and_smallest_numbers(client: Client, hash_table: str, unique: str, edge: str) -> None:
    kept = _kept(client, hash_table, unique, {"N": edge})["N"]
    assert math.isclose(float(kept), float(edge), rel_tol=1e-12)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("1e126", "Number overflow. Attempting to store a number with magnitude larger than supported range"),
        ("-1e126", "Number overflow. Attempting to store a number with magnitude larger than supported range"),
        ("1e-131", "Number underflow. Attempting to store a number with magnitude smaller than supported range"),
        ("1" * 39, "more than 38 significant digits|precision up to 38 digits"),
        ("1." + "0" * 37 + "1", "more than 38 significant digits|precision up to 38 digits"),
        ("abc", "cannot be converted.*a numeric value|cannot be converted into a number"),
        ("", "cannot be converted to a numeric value|cannot be converted into a number"),
        ("1_0", "cannot be converted.*a numeric value|cannot be converted into a number"),
        (" 1", ""),
        ("0x10", ""),
        ("NaN", ""),
        ("Infinity", ""),
    ],
)
def test_what_is_no_number(client: Client, hash_table: str, number: str, words: str) -> None:
    with invalid(words):
        client.put_item(TableName=hash_table, Item={"p": {"S": "x"}, "v": {"N": number}})


@pytest.mark.parametrize(
    "value",
    [
        {"S": ""},
        {"B": b""},
        {"L": []},
        {"M": {}},
        {"NULL": True},
        {"BOOL": False},
        {"S": "\u0000 \U0001f600 é"},
        {"B": bytes(range(256))},
        {"L": [{"S": "x"}, {"N": "1"}, {"M": {"k": {"S": ""}}}]},
    ],
)
def test_a_value_comes_back_as_it_went(client: Client, hash_table: str, unique: str, value: dict[str, Any]) -> None:
    assert _kept(client, hash_table, unique, value) == value


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ({"SS": ["b", "a", ""]}, {"", "a", "b"}),
        ({"NS": ["2", "1.0", "-3"]}, {"-3", "1", "2"}),
        ({"BS": [b"b", b"", b"a"]}, {b"", b"a", b"b"}),
    ],
)
def test_a_set_comes_back_in_any_order(
    client: Client, hash_table: str, unique: str, value: dict[str, Any], kept: set[Any]
) -> None:
    (back,) = _kept(client, hash_table, unique, value).values()
    assert len(back) == len(kept)
    assert set(back) == kept


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"SS": []}, "may not be empty"),
        ({"NS": []}, "may not be empty"),
        ({"BS": []}, "not be empty"),
        ({"SS": ["a", "b", "a"]}, "duplicates"),
        ({"NS": ["1", "1.0"]}, "duplicates"),
        ({"BS": [b"a", b"a"]}, "duplicates"),
        ({"NULL": False}, "Null attribute value types must have the value of true"),
        ({}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
        ({"S": "x", "N": "1"}, "has more than one datatypes set, must contain exactly one of the supported datatypes"),
        ({"L": [{"SS": []}]}, "may not be empty"),
        ({"M": {"deep": {"N": "x"}}}, ""),
    ],
)
def test_what_is_no_value(client: Client, hash_table: str, value: dict[str, Any], words: str) -> None:
    with invalid(words):
        client.put_item(TableName=hash_table, Item={"p": {"S": "x"}, "v": value})


def _nested(levels: int) -> dict[str, Any]:
    """A value that is this many lists and maps deep around a string."""
    value: dict[str, Any] = {"S": "x"}
    for level in range(levels):
        value = {"L": [value]} if level % 2 else {"M": {"m": value}}
    return value


def test_nesting_ends_at_32(client: Client, hash_table: str, unique: str) -> None:
    deepest = _nested(31)  # the string inside is the 32nd level
    assert _kept(client, hash_table, unique, deepest) == deepest
    with invalid("Nesting Levels have exceeded supported limits"):
        client.put_item(TableName=hash_table, Item={"p": {"S": unique}, "v": _nested(33)})


def test_an_item_ends_at_400_kb_names_included(client: Client, hash_table: str, unique: str) -> None:
    fixed = len("p") + len(unique) + len("value")
    item = {"p": {"S": unique}, "value": {"S": "x" * (ITEM_BYTES_MAX - fixed)}}
    client.put_item(TableName=hash_table, Item=item)
    item["value"]["S"] += "x"
    with invalid("Item size has exceeded the maximum allowed size"):
        client.put_item(TableName=hash_table, Item=item)


def test_an_update_cannot_make_an_item_too_large(client: Client, hash_table: str, unique: str) -> None:
    client.put_item(TableName=hash_table, Item={"p": {"S": unique}, "a": {"S": "x" * 300 * KIB}})
    with invalid("Item size to update has exceeded the maximum allowed size"):
        client.update_item(
            TableName=hash_table,
            Key={"p": {"S": unique}},
            UpdateExpression="SET b = :b",
            ExpressionAttributeValues={":b": {"S": "x" * 101 * KIB}},
        )


def test_a_partition_key_of_2048_bytes_and_a_sort_key_of_1024(client: Client, text_table: str) -> None:
    longest = {"p": {"S": "x" * 2048}, "c": {"S": "é" * 512}}
    client.put_item(TableName=text_table, Item=longest)
    assert client.get_item(TableName=text_table, Key=longest)["Item"] == longest
    for name, text in (("p", "x" * 2049), ("c", "é" * 512 + "x")):
        with invalid("(?i)size|must be under"):
            client.put_item(TableName=text_table, Item={**longest, name: {"S": text}})


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ({"p": {"S": "x"}}, "provided key element does not match the schema|number of conditions on the keys"),
        (
            {"p": {"S": "x"}, "c": {"S": "y"}, "d": {"S": "z"}},
            "provided key element does not match the schema|number of conditions on the keys",
        ),
        ({"p": {"S": "x"}, "c": {"N": "1"}}, "does not match the schema|Type mismatch for key"),
        ({"p": {"S": "x"}, "c": {"S": ""}}, "cannot contain an empty string value. Key: c"),
    ],
)
def test_a_key_that_is_none_of_this_table(client: Client, text_table: str, key: dict[str, Any], words: str) -> None:
    with invalid(words):
        client.get_item(TableName=text_table, Key=key)


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"p": {"S": "x"}}, "Missing the key c in the item|required keys was not given a value"),
        ({"p": {"S": "x"}, "c": {"N": "1"}}, "Type mismatch for key"),
        ({"p": {"S": ""}, "c": {"S": "y"}}, "cannot contain an empty string value. Key: p"),
    ],
)
def test_an_item_without_its_key(client: Client, text_table: str, item: dict[str, Any], words: str) -> None:
    with invalid(words):
        client.put_item(TableName=text_table, Item=item)


def test_equal_numbers_are_one_key(client: Client, sort_table: str, unique: str) -> None:
    for number in ("1", "1.0", "10e-1", "+1.00"):
        client.put_item(TableName=sort_table, Item={"p": {"S": unique}, "c": {"N": number}, "v": {"S": number}})
    found = client.get_item(TableName=sort_table, Key={"p": {"S": unique}, "c": {"N": "1.000"}})["Item"]
    assert found == {"p": {"S": unique}, "c": {"N": "1"}, "v": {"S": "+1.00"}}
