"""Projection expressions: which parts of an item come back, and how they are named."""

from typing import Any

import pytest
from tests.api_suite.conftest import Client, new_name
from tests.api_suite.refusal import invalid

ITEM: dict[str, Any] = {
    "a": {"N": "1"},
    "l": {"L": [{"N": "1"}, {"M": {"k": {"S": "x"}, "j": {"S": "y"}}}, {"N": "3"}]},
    "m": {"M": {"k": {"N": "1"}, "j": {"M": {"deep": {"S": "z"}, "other": {"S": "w"}}}}},
    "dotted.name": {"S": "d"},
}


@pytest.fixture(scope="module")
def key(client: Client, hash_table: str) -> dict[str, Any]:
    """Key of the item that all projections are of."""
    found = {"p": {"S": new_name("projections")}}
    client.put_item(TableName=hash_table, Item={**found, **ITEM})
    return found


@pytest.mark.parametrize(
    ("projection", "expected"),
    [
        ("a", {"a": {"N": "1"}}),
        ("a, nope", {"a": {"N": "1"}}),
        ("nope", {}),
        ("m.k", {"m": {"M": {"k": {"N": "1"}}}}),
        ("m.j.deep, m.k", {"m": {"M": {"k": {"N": "1"}, "j": {"M": {"deep": {"S": "z"}}}}}}),
        ("l[2], l[0]", {"l": {"L": [{"N": "1"}, {"N": "3"}]}}),  # in the list's own order
        ("l[1].j", {"l": {"L": [{"M": {"j": {"S": "y"}}}]}}),
        ("l[9]", {}),
        ("m[0]", {}),
        ("a.b", {}),
        ("#d", {"dotted.name": {"S": "d"}}),
        ("m.#k", {"m": {"M": {"k": {"N": "1"}}}}),
    ],
)
def test_just_these_parts_come_back(
    client: Client, hash_table: str, key: dict[str, Any], projection: str, expected: dict[str, Any]
) -> None:
    names = {name: real for name, real in (("#d", "dotted.name"), ("#k", "k")) if name in projection}
    more = {"ExpressionAttributeNames": names} if names else {}
    reply = client.get_item(TableName=hash_table, Key=key, ProjectionExpression=projection, **more)
    assert reply["Item"] == expected
    batch = {hash_table: {"Keys": [key], "ProjectionExpression": projection, **more}}
    assert client.batch_get_item(RequestItems=batch)["Responses"][hash_table] == [expected]


@pytest.mark.parametrize(
    ("projection", "words"),
    [
        ("", "^Invalid ProjectionExpression: The expression can not be empty;$"),
        ("a,", 'Syntax error; token: "<EOF>"'),
        ("a b", 'Syntax error; token: "b", near: "a b"$'),
        ("l[x]", "Syntax error"),
        ("a, a", r"Two document paths overlap .* path one: \[a\], path two: \[a\]$"),
        ("m, m.k", r"Two document paths overlap .* path one: \[m\], path two: \[m, k\]$"),
        ("m.k, m[0]", r"Two document paths conflict .* path one: \[m, k\], path two: \[m, \[0\]\]$"),
        ("name", "Attribute name is a reserved keyword; reserved keyword: name$"),
        ("#none", "An expression attribute name used in the document path is not defined; attribute name: #none$"),
    ],
)
def test_it_is_no_projection(client: Client, hash_table: str, key: dict[str, Any], projection: str, words: str) -> None:
    with invalid(words):
        client.get_item(TableName=hash_table, Key=key, ProjectionExpression=projection)
