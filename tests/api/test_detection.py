"""What AWS's validation layer of 2026 says before it looks at a table: its beginning, and where it has none.

It answers for PutItem, UpdateItem, DeleteItem and Query; other operations give the same faults without the beginning.
"""

from typing import Any

import pytest
from tests.in_process import Api

DETECTED = "1 validation error detected: "
INVALID = "One or more parameter values were invalid: "
KEY = {"p": {"S": "a"}}
WRITES = ("PutItem", "UpdateItem", "DeleteItem")


def refusal(api: Api, operation: str, **more: Any) -> str | None:
    """Of a table that is not there: all of these faults come before it is looked for."""
    if operation == "Query":
        given: dict[str, Any] = {}
    else:
        given = {"Item": KEY} if operation == "PutItem" else {"Key": KEY}
    fault = api.refused(operation, **{"TableName": "none", **given, **more})
    assert fault.code == "ValidationException"
    return fault.message


SETS = [
    ({"SS": []}, "An string set  may not be empty"),
    ({"NS": []}, "An number set  may not be empty"),
    ({"BS": []}, "Binary sets should not be empty"),
    ({"SS": ["b", "a", "a"]}, 'Input collection ["a", "a", "b"] contains duplicates.'),
    ({"NULL": False}, "Null attribute value types must have the value of true"),
    ({"L": [{"M": {"x": {"NULL": False}}}]}, "Null attribute value types must have the value of true"),
]


@pytest.mark.parametrize(("value", "text"), SETS)
def test_values_of_items_and_keys(api: Api, value: dict[str, Any], text: str) -> None:
    told = DETECTED + INVALID + text
    assert refusal(api, "PutItem", Item={**KEY, "v": value}) == told
    for operation in ("UpdateItem", "DeleteItem"):
        assert refusal(api, operation, Key={"p": value}) == told
    updates = {"v": {"Value": value, "Action": "PUT"}}
    assert refusal(api, "UpdateItem", AttributeUpdates=updates) == told
    assert refusal(api, "GetItem", Key={"p": value}) == INVALID + text.replace('"a", "a", "b"', "b, a, a")


@pytest.mark.parametrize(("value", "text"), SETS)
def test_values_of_expressions(api: Api, value: dict[str, Any], text: str) -> None:
    """The layer tells what is wrong with a value, and not whose."""
    values = {":v": value}
    for operation in WRITES:
        more = {"ConditionExpression": "v = :v", "ExpressionAttributeValues": values}
        assert refusal(api, operation, **more) == DETECTED + INVALID + text
    more = {"KeyConditionExpression": "p = :v", "ExpressionAttributeValues": values}
    assert refusal(api, "Query", **more) == DETECTED + INVALID + text
    more = {"FilterExpression": "v = :v", "ExpressionAttributeValues": values}
    fault = api.refused("Scan", TableName="none", **more)
    text = text.replace('"a", "a", "b"', "b, a, a")
    assert fault.message == f"ExpressionAttributeValues contains invalid value: {INVALID}{text} for key :v"


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("v = = :v", 'Invalid ConditionExpression: Syntax error; token: "=", near: "= = :v"'),
        ("v = :w", "An expression attribute value used in expression is not defined; attribute value: :w"),
        ("#v = :v", "An expression attribute name used in the document path is not defined; attribute name: #v"),
        ("((v = :v))", "Invalid ConditionExpression: The expression has redundant parentheses;"),
        ("size = :v", "Attribute name is a reserved keyword; reserved keyword: size"),
        ("attribute_exists(v)", "Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}"),
    ],
)
@pytest.mark.parametrize("operation", WRITES)
def test_conditions(api: Api, operation: str, expression: str, text: str) -> None:
    more = {"ConditionExpression": expression, "ExpressionAttributeValues": {":v": {"N": "1"}}}
    told = refusal(api, operation, **more)
    assert told is not None
    assert told.startswith(DETECTED)
    assert text in told
    assert told.count("detected") == 1


def test_updates(api: Api) -> None:
    values = {":v": {"N": "1"}}
    told = refusal(api, "UpdateItem", UpdateExpression="SET a = :v, a.b = :v", ExpressionAttributeValues=values)
    assert told is not None
    assert told.startswith(DETECTED + "Invalid UpdateExpression: Two document paths overlap with each other;")
    told = refusal(api, "UpdateItem", UpdateExpression="SET a = :v", AttributeUpdates={"b": {"Value": {"S": "x"}}})
    assert told is not None
    assert told.startswith(DETECTED + "Can not use both")


@pytest.mark.parametrize("operation", WRITES)
def test_values_beside_no_expression(api: Api, operation: str) -> None:
    told = DETECTED + "ExpressionAttributeValues can only be specified when using expressions"
    assert refusal(api, operation, ExpressionAttributeValues={":v": {"N": "1"}}) == told


def test_legacy_conditions(api: Api) -> None:
    told = DETECTED + INVALID + "Value must be provided when Exists is null for Attribute: v"
    for operation in WRITES:
        assert refusal(api, operation, Expected={"v": {}}) == told


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
        (
            {"S": "a", "N": "1"},
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported "
            "datatypes",
        ),
        ({"N": "x"}, "The parameter cannot be converted to a numeric value: x"),
        ({"N": "1e200"}, "Number overflow. Attempting to store a number with magnitude larger than supported range"),
        ({"S": "x" * 409_600}, "Item size has exceeded the maximum allowed size"),
    ],
)
def test_what_it_tells_without_its_beginning(api: Api, value: dict[str, Any], text: str) -> None:
    """The structure of values, and limits."""
    assert refusal(api, "PutItem", Item={**KEY, "v": value}) == text


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"ExpressionAttributeNames": {"#v": "v"}}, "can only be specified when using expressions"),
        ({"ConditionExpression": "v = :v", "ExpressionAttributeNames": {}}, "must not be empty"),
        (
            {"ConditionExpression": "#v = :v", "ExpressionAttributeNames": {"v": "v"}},
            'contains invalid key: Syntax error; key: "v"',
        ),
    ],
)
def test_names_of_expressions_are_told_without_it(api: Api, more: dict[str, Any], text: str) -> None:
    assert refusal(api, "PutItem", **more) == f"ExpressionAttributeNames {text}"


def test_key_conditions_of_nothing(api: Api) -> None:
    """dynalite recorded the words; the table is not looked at."""
    assert refusal(api, "Query", KeyConditions={}) == DETECTED + "Conditions can be of length 1 or 2 only"


def test_more_key_conditions_than_a_table_has_keys(api: Api) -> None:
    """Of an index nobody can know that before it is looked at: its key may have eight attributes."""
    three = {
        "KeyConditionExpression": "p = :v AND q = :v AND r < :v",
        "ExpressionAttributeValues": {":v": {"S": "a"}},
    }
    legacy = {"AttributeValueList": [{"S": "a"}], "ComparisonOperator": "EQ"}
    more = {**three, "Limit": 1, "ConsistentRead": True}
    for asked in (three, more, {"KeyConditions": dict.fromkeys("pqr", legacy)}):
        assert refusal(api, "Query", **asked) == DETECTED + "Conditions can be of length 1 or 2 only"
    assert api.refused("Query", TableName="none", IndexName="ind", **three).code == "ResourceNotFoundException"
