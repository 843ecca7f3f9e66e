"""Update expressions: SET, REMOVE, ADD, DELETE, what they make of an item, and what they refuse."""

import re
from typing import Any

import pytest
from tests.api_suite.conftest import Client
from tests.api_suite.refusal import invalid

ITEM: dict[str, Any] = {
    "a": {"N": "1"},
    "s": {"S": "x"},
    "l": {"L": [{"N": "1"}, {"N": "2"}, {"N": "3"}]},
    "m": {"M": {"k": {"N": "1"}}},
    "ss": {"SS": ["x", "y"]},
    "ns": {"NS": ["1", "2"]},
}
VALUES: dict[str, Any] = {
    ":1": {"N": "1"},
    ":2": {"N": "2.5"},
    ":x": {"S": "x"},
    ":l": {"L": [{"N": "9"}]},
    ":m": {"M": {}},
    ":ss": {"SS": ["y", "z"]},
    ":xy": {"SS": ["x", "y"]},
    ":ns": {"NS": ["2", "3.0"]},
}


def _updated(client: Client, table: str, key: str, expression: str) -> dict[str, Any]:
    """What the expression makes of ITEM; sets sorted, without the key."""
    client.put_item(TableName=table, Item={"p": {"S": key}, **ITEM})
    values = {name: VALUES[name] for name in re.findall(r":\w+", expression) if name in VALUES}
    more = {"ExpressionAttributeValues": values} if values else {}
    reply = client.update_item(
        TableName=table, Key={"p": {"S": key}}, UpdateExpression=expression, ReturnValues="ALL_NEW", **more
    )
    item: dict[str, Any] = reply["Attributes"]
    assert item == client.get_item(TableName=table, Key={"p": {"S": key}}, ConsistentRead=True)["Item"]
    del item["p"]
    for value in item.values():
        for kind in value.keys() & {"SS", "NS"}:
            value[kind].sort()
    return item


@pytest.mark.parametrize(
    ("expression", "changed"),
    [
        ("SET a = :2", {"a": {"N": "2.5"}}),
        ("SET a = a + :2", {"a": {"N": "3.5"}}),
        ("SET a = :1 - :2", {"a": {"N": "-1.5"}}),
        ("SET b = if_not_exists(a, :2)", {"b": {"N": "1"}}),
        ("SET b = if_not_exists(c, :2)", {"b": {"N": "2.5"}}),
        ("SET a = if_not_exists(c, :1) + :2", {"a": {"N": "3.5"}}),
        ("SET a = s, s = a", {"a": {"S": "x"}, "s": {"N": "1"}}),  # right sides see the item as it was
        ("SET l[1] = :x", {"l": {"L": [{"N": "1"}, {"S": "x"}, {"N": "3"}]}}),
        ("SET l[7] = :x", {"l": {"L": [*ITEM["l"]["L"], {"S": "x"}]}}),
        ("SET l = list_append(l, :l)", {"l": {"L": [*ITEM["l"]["L"], {"N": "9"}]}}),
        ("SET l = list_append(:l, l)", {"l": {"L": [{"N": "9"}, *ITEM["l"]["L"]]}}),
        ("SET m.k = :x, m.j = l[0]", {"m": {"M": {"k": {"S": "x"}, "j": {"N": "1"}}}}),
        ("REMOVE l[0], l[2]", {"l": {"L": [{"N": "2"}]}}),  # by the places of before
        ("REMOVE l[9]", {}),
        ("REMOVE a, nope", {"a": None}),
        ("REMOVE m.k", {"m": {"M": {}}}),
        ("ADD a :2", {"a": {"N": "3.5"}}),
        ("ADD b :2", {"b": {"N": "2.5"}}),
        ("ADD ss :ss", {"ss": {"SS": ["x", "y", "z"]}}),
        ("ADD ns :ns", {"ns": {"NS": ["1", "2", "3"]}}),
        ("ADD m.k :2", {"m": {"M": {"k": {"N": "3.5"}}}}),
        ("DELETE ss :ss", {"ss": {"SS": ["x"]}}),
        ("DELETE ss :xy", {"ss": None}),  # an empty set is no value
        ("DELETE b :ss", {}),
        (
            "SET a = :x REMOVE s ADD b :1 DELETE ss :ss",
            {"a": {"S": "x"}, "s": None, "b": {"N": "1"}, "ss": {"SS": ["x"]}},
        ),
        ("set a = :x remove s", {"a": {"S": "x"}, "s": None}),
    ],
)
def test_an_expression_changes_just_this(
    client: Client, hash_table: str, unique: str, expression: str, changed: dict[str, Any]
) -> None:
    expected = {name: value for name, value in {**ITEM, **changed}.items() if value is not None}
    assert _updated(client, hash_table, unique, expression) == expected


OVERLAP = "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: "
CONFLICT = "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: "


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("", "Invalid UpdateExpression: The expression can not be empty;$"),
        ("FOO a", 'Syntax error; token: "FOO", near: "FOO a"$'),
        ("SET a", "Syntax error"),
        ("SET a = :1,", 'Syntax error; token: "<EOF>"'),
        ("SET a = :1 SET s = :1", 'The "SET" section can only be used once in an update expression;$'),
        ("SET a = :1, a = :2", OVERLAP + r"\[a\], path two: \[a\]$"),
        ("SET l = :l REMOVE l[0]", OVERLAP + r"\[l\], path two: \[l, \[0\]\]$"),
        ("SET m.k = :1 REMOVE m[0]", CONFLICT + r"\[m, k\], path two: \[m, \[0\]\]$"),
        ("SET nope.k = :1", "The document path provided in the update expression is invalid for update$"),
        ("SET s.k = :1", "The document path provided in the update expression is invalid for update$"),
        ("SET m[0] = :1", "The document path provided in the update expression is invalid for update$"),
        ("SET p = :x", r"Cannot update attribute p. This attribute is part of the key$"),
        ("REMOVE p", r"Cannot update attribute p. This attribute is part of the key$"),
        ("SET b = nope", "The provided expression refers to an attribute that does not exist in the item$"),
        ("SET b = nope + :1", "The provided expression refers to an attribute that does not exist in the item$"),
        ("SET b = s + :1", "An operand in the update expression has an incorrect data type$"),
        ("SET b = list_append(a, :l)", "An operand in the update expression has an incorrect data type$"),
        (
            "SET b = a + :x",
            r"Incorrect operand type .*; operator or function: \+, operand type: S",
        ),
        ("SET b = foo(a)", "Invalid function name; function: foo$"),
        ("SET b = size(a)", "The function is not allowed.*; function: size$"),
        ("SET b = :none", "An expression attribute value used in expression is not defined; attribute value: :none$"),
        ("ADD a :x", "Incorrect operand type for operator or function; operator: ADD, operand type: STRING"),
        ("ADD s :1", "An operand in the update expression has an incorrect data type$"),
        ("ADD ss :ns", "An operand in the update expression has an incorrect data type$"),
        ("DELETE a :1", "Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER"),
        ("DELETE a :ss", "An operand in the update expression has an incorrect data type$"),
    ],
)
def test_an_expression_is_refused(client: Client, hash_table: str, unique: str, expression: str, words: str) -> None:
    with invalid(words):
        _updated(client, hash_table, unique, expression)
    stored = client.get_item(TableName=hash_table, Key={"p": {"S": unique}}, ConsistentRead=True)["Item"]
    assert stored["a"] == ITEM["a"]


def test_numbers_are_added_exactly_or_not_at_all(client: Client, hash_table: str, unique: str) -> None:
    key = {"p": {"S": unique}}
    request = {"TableName": hash_table, "Key": key, "UpdateExpression": "ADD n :n", "ReturnValues": "ALL_NEW"}
    total = None
    for number in ("0.1", "0.2", "12345678901234567890123456789"):
        total = client.update_item(**request, ExpressionAttributeValues={":n": {"N": number}})["Attributes"]["n"]
    assert total == {"N": "12345678901234567890123456789.3"}
    with invalid("overflow"):
        client.update_item(
            TableName=hash_table,
            Key=key,
            UpdateExpression="SET n = :a + :a",
            ExpressionAttributeValues={":a": {"N": "9E125"}},
        )


def test_an_update_of_a_new_item_starts_from_its_key(client: Client, hash_table: str, unique: str) -> None:
    key = {"p": {"S": unique}}
    client.update_item(
        TableName=hash_table,
        Key=key,
        UpdateExpression="ADD hits :one SET created = if_not_exists(created, :one)",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    assert client.get_item(TableName=hash_table, Key=key)["Item"] == {**key, "hits": {"N": "1"}, "created": {"N": "1"}}
