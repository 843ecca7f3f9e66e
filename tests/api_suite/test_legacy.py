"""The parameters of before expressions, which old programs still send."""

from typing import Any

import pytest
from tests.api_suite.conftest import Client, new_name
from tests.api_suite.refusal import invalid, refused

ITEM: dict[str, Any] = {"n": {"N": "5"}, "s": {"S": "hello"}, "l": {"L": [{"N": "1"}]}, "ss": {"SS": ["a", "b"]}}


def _n(number: int) -> dict[str, str]:
    return {"N": str(number)}


def _condition(operator: str, *values: Any) -> dict[str, Any]:
    return {"ComparisonOperator": operator, **({"AttributeValueList": list(values)} if values else {})}


@pytest.fixture(scope="module")
def key(client: Client, sort_table: str) -> dict[str, Any]:
    """Key of the item that all conditions are asked of; five more in its partition, sort keys 2 to 6."""
    partition = new_name("legacy")
    client.put_item(TableName=sort_table, Item={"p": {"S": partition}, "c": _n(1), **ITEM})
    for number in range(2, 7):
        client.put_item(TableName=sort_table, Item={"p": {"S": partition}, "c": _n(number), "n": _n(number * 10)})
    return {"p": {"S": partition}, "c": _n(1)}


def _expect(client: Client, table: str, key: dict[str, Any], expected: dict[str, Any], **more: Any) -> None:
    client.update_item(TableName=table, Key=key, Expected=expected, **more)


@pytest.mark.parametrize(
    ("attribute", "condition", "holds"),
    [
        ("n", {"Value": _n(5)}, True),
        ("n", {"Value": _n(6)}, False),
        ("n", {"Exists": False}, False),
        ("nope", {"Exists": False}, True),
        ("n", _condition("EQ", _n(5)), True),
        ("n", _condition("NE", _n(5)), False),
        ("n", _condition("LT", _n(6)), True),
        ("n", _condition("LE", _n(4)), False),
        ("n", _condition("GT", _n(4)), True),
        ("n", _condition("GE", _n(6)), False),
        ("n", _condition("BETWEEN", _n(4), _n(6)), True),
        ("n", _condition("IN", _n(4), _n(5)), True),
        ("n", _condition("NOT_NULL"), True),
        ("nope", _condition("NULL"), True),
        ("s", _condition("BEGINS_WITH", {"S": "he"}), True),
        ("s", _condition("CONTAINS", {"S": "ll"}), True),
        ("s", _condition("NOT_CONTAINS", {"S": "ll"}), False),
        ("ss", _condition("CONTAINS", {"S": "a"}), True),
        ("l", _condition("CONTAINS", _n(1)), True),
        ("n", _condition("EQ", {"S": "5"}), False),
        ("n", _condition("LT", {"S": "6"}), False),
    ],
)
def test_expected(
    client: Client, sort_table: str, key: dict[str, Any], attribute: str, condition: dict[str, Any], holds: bool
) -> None:
    """Each operator of `Expected`, met and not met; a number is compared as a number, and never equals a string."""
    if holds:
        _expect(client, sort_table, key, {attribute: condition})
        return
    with refused("ConditionalCheckFailedException"):
        _expect(client, sort_table, key, {attribute: condition})


def test_conditional_operator(client: Client, sort_table: str, key: dict[str, Any]) -> None:
    """OR has to be asked for: two conditions of which one holds are refused otherwise."""
    one_of_two = {"n": _condition("EQ", _n(5)), "s": _condition("EQ", {"S": "other"})}
    _expect(client, sort_table, key, one_of_two, ConditionalOperator="OR")
    with refused("ConditionalCheckFailedException"):
        _expect(client, sort_table, key, one_of_two, ConditionalOperator="AND")
    with refused("ConditionalCheckFailedException"):
        _expect(client, sort_table, key, one_of_two)


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({"Exists": True}, "Value must be provided when Exists is true for Attribute: n"),
        ({"Exists": False, "Value": _n(1)}, "Value cannot be used when Exists is false for Attribute: n"),
        (_condition("EQ"), "must be used with ComparisonOperator: EQ for Attribute: n|Invalid number of argument"),
        (_condition("EQ", _n(1), _n(2)), r"Invalid number of argument\(s\) for the EQ ComparisonOperator"),
        (_condition("NULL", _n(1)), r"Invalid number of argument\(s\) for the NULL ComparisonOperator"),
        (_condition("BETWEEN", _n(1)), r"Invalid number of argument\(s\) for the BETWEEN ComparisonOperator"),
        (_condition("BETWEEN", _n(2), _n(1)), ""),
        (_condition("LT", {"SS": ["a"]}), "(?i)not (valid|supported)"),
        (_condition("BEGINS_WITH", _n(1)), "(?i)not (valid|supported)"),
        ({"ComparisonOperator": "LIKE", "AttributeValueList": [_n(1)]}, ""),
        ({}, ""),
    ],
)
def test_what_is_no_expectation(
    client: Client, sort_table: str, key: dict[str, Any], condition: dict[str, Any], words: str
) -> None:
    with invalid(words):
        _expect(client, sort_table, key, {"n": condition})


@pytest.mark.parametrize(
    ("updates", "changed"),
    [
        ({"a": {"Action": "PUT", "Value": _n(1)}}, {"a": _n(1)}),
        ({"a": {"Value": _n(1)}}, {"a": _n(1)}),  # PUT is the default
        ({"n": {"Action": "ADD", "Value": _n(-7)}}, {"n": _n(-2)}),
        ({"new": {"Action": "ADD", "Value": _n(3)}}, {"new": _n(3)}),
        ({"ss": {"Action": "ADD", "Value": {"SS": ["c"]}}}, {"ss": {"SS": ["a", "b", "c"]}}),
        ({"l": {"Action": "ADD", "Value": {"L": [_n(2)]}}}, {"l": {"L": [_n(1), _n(2)]}}),
        ({"ss": {"Action": "DELETE", "Value": {"SS": ["a"]}}}, {"ss": {"SS": ["b"]}}),
        ({"ss": {"Action": "DELETE", "Value": {"SS": ["a", "b"]}}}, {"ss": None}),
        ({"n": {"Action": "DELETE"}, "s": {"Action": "DELETE"}}, {"n": None, "s": None}),
    ],
)
def test_attribute_updates(
    client: Client, hash_table: str, unique: str, updates: dict[str, Any], changed: dict[str, Any]
) -> None:
    key = {"p": {"S": unique}}
    client.put_item(TableName=hash_table, Item={**key, **ITEM})
    reply = client.update_item(TableName=hash_table, Key=key, AttributeUpdates=updates, ReturnValues="ALL_NEW")
    item = reply["Attributes"]
    for value in item.values():
        if "SS" in value:
            value["SS"].sort()
    assert item == {name: value for name, value in {**key, **ITEM, **changed}.items() if value is not None}


@pytest.mark.parametrize(
    "updates",
    [
        {"p": {"Action": "PUT", "Value": {"S": "x"}}},
        {"n": {"Action": "PUT"}},
        {"n": {"Action": "ADD", "Value": {"S": "x"}}},
        {"s": {"Action": "ADD", "Value": _n(1)}},
        {"ss": {"Action": "DELETE", "Value": {"S": "a"}}},
        {"n": {"Action": "SET", "Value": _n(1)}},
    ],
)
def test_updates_that_cannot_be(client: Client, hash_table: str, unique: str, updates: dict[str, Any]) -> None:
    key = {"p": {"S": unique}}
    client.put_item(TableName=hash_table, Item={**key, **ITEM})
    with invalid():
        client.update_item(TableName=hash_table, Key=key, AttributeUpdates=updates)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (None, [1, 2, 3, 4, 5, 6]),
        (_condition("EQ", _n(3)), [3]),
        (_condition("LT", _n(3)), [1, 2]),
        (_condition("GE", _n(5)), [5, 6]),
        (_condition("BETWEEN", _n(2), _n(4)), [2, 3, 4]),
    ],
)
def test_key_conditions(
    client: Client, sort_table: str, key: dict[str, Any], condition: dict[str, Any] | None, expected: list[int]
) -> None:
    """Each operator that a sort key takes, and none at all."""
    conditions = {"p": _condition("EQ", key["p"]), **({"c": condition} if condition else {})}
    reply = client.query(TableName=sort_table, KeyConditions=conditions)
    assert [int(item["c"]["N"]) for item in reply["Items"]] == expected


def test_filters(client: Client, sort_table: str, key: dict[str, Any]) -> None:
    """Conditions of a filter are joined by AND unless the request says OR; Scan takes the same ones."""
    conditions = {"p": _condition("EQ", key["p"])}
    filters = {"n": _condition("GT", _n(25)), "s": _condition("NOT_NULL")}
    both = client.query(TableName=sort_table, KeyConditions=conditions, QueryFilter=filters)
    assert (both["Count"], both["ScannedCount"]) == (0, 6)
    either = client.query(TableName=sort_table, KeyConditions=conditions, QueryFilter=filters, ConditionalOperator="OR")
    assert [int(item["c"]["N"]) for item in either["Items"]] == [1, 3, 4, 5, 6]
    mine = {"p": _condition("EQ", key["p"]), "n": _condition("LE", _n(20))}
    scanned = client.scan(TableName=sort_table, ScanFilter=mine, AttributesToGet=["c"])
    assert sorted(int(item["c"]["N"]) for item in scanned["Items"]) == [1, 2]
    assert scanned["Items"][0].keys() == {"c"}


@pytest.mark.parametrize(
    "conditions",
    [
        {},
        {"c": _condition("EQ", _n(1))},
        {"p": _condition("GT", {"S": "x"})},
        {"p": _condition("EQ", _n(1))},
        pytest.param(
            {"p": _condition("EQ", {"S": "x"}), "c": _condition("NE", _n(1))},
            marks=pytest.mark.deviates("dynamodb-local", "it fails internally"),
        ),
        {"p": _condition("EQ", {"S": "x"}), "n": _condition("EQ", _n(1))},
    ],
)
def test_key_conditions_that_cannot_be(client: Client, sort_table: str, conditions: dict[str, Any]) -> None:
    with invalid():
        client.query(TableName=sort_table, KeyConditions=conditions)


def test_attributes_to_get(client: Client, sort_table: str, key: dict[str, Any]) -> None:
    """It takes names, not paths, and each of them once."""
    reply = client.get_item(TableName=sort_table, Key=key, AttributesToGet=["n", "nope"])
    assert reply["Item"] == {"n": _n(5)}
    with invalid():
        client.get_item(TableName=sort_table, Key=key, AttributesToGet=["n", "n"])
    with invalid("Can not use both expression and non-expression parameters in the same request"):
        client.get_item(TableName=sort_table, Key=key, AttributesToGet=["n"], ProjectionExpression="n")
