"""Condition expressions: what holds and what does not, and what is not an expression at all."""

import re
from typing import Any

import pytest
from tests.api_suite.conftest import Client, new_name
from tests.api_suite.refusal import invalid, refused

ITEM: dict[str, Any] = {
    "n": {"N": "5"},
    "s": {"S": "hello"},
    "b": {"B": b"\x01\x02"},
    "l": {"L": [{"N": "1"}, {"S": "two"}]},
    "m": {"M": {"k": {"N": "7"}, "d.t": {"S": "dot"}}},
    "ss": {"SS": ["a", "b"]},
    "ns": {"NS": ["1", "2"]},
    "t": {"BOOL": True},
    "z": {"NULL": True},
}
VALUES: dict[str, Any] = {
    ":1": {"N": "1"},
    ":2": {"N": "2"},
    ":5": {"N": "5.0"},
    ":7": {"N": "7"},
    ":9": {"N": "9"},
    ":he": {"S": "he"},
    ":hello": {"S": "hello"},
    ":a": {"S": "a"},
    ":b1": {"B": b"\x01"},
    ":two": {"S": "two"},
    ":n": {"S": "N"},
    ":ss": {"SS": ["b", "a"]},
    ":l": {"L": [{"N": "1.0"}, {"S": "two"}]},
    ":t": {"BOOL": True},
}


def _check(client: Client, table: str, key: str, condition: str) -> None:
    """Make an update that changes nothing, under this condition."""
    values = {name: VALUES[name] for name in re.findall(r":\w+", condition) if name in VALUES}
    names = {"#dt": "d.t"} if "#dt" in condition else {}
    client.update_item(
        TableName=table,
        Key={"p": {"S": key}},
        ConditionExpression=condition,
        **({"ExpressionAttributeValues": values} if values else {}),
        **({"ExpressionAttributeNames": names} if names else {}),
    )


@pytest.fixture(scope="module")
def stored(client: Client, hash_table: str) -> str:
    """Key of the item that all conditions are asked of."""
    key = new_name("conditions")
    client.put_item(TableName=hash_table, Item={"p": {"S": key}, **ITEM})
    return key


@pytest.mark.parametrize(
    "condition",
    [
        "n = :5",
        "n <> :1",
        "n < :9 AND n > :1",
        "n <= :5 and n >= :5",
        "n BETWEEN :1 AND :9",
        "n IN (:1, :5)",
        "s > :he",
        "begins_with(s, :he)",
        "begins_with(b, :b1)",
        "contains(s, :he)",
        "contains(ss, :a)",
        "contains(ns, :2)",
        "contains(l, :two)",
        "attribute_exists(m.k) AND attribute_not_exists(m.nope)",
        "attribute_exists(l[1]) AND attribute_not_exists(l[2])",
        "attribute_type(n, :n)",
        "size(s) = :5",
        "size(l) = :2",
        "size(b) = :2",
        "size(ss) = :2",
        "size(m) = size(l)",
        "m.k = :7",
        "attribute_exists(m.#dt)",
        "l[0] = :1",
        "NOT n = :1",
        "n = :1 OR n = :5 AND s = :hello",
        "(n = :1 OR n = :5) AND NOT (s = :he)",
        "ss = :ss",
        "l = :l",
        "t = :t",
        "nope <> :1",
        "s <> :1",
        ":1 < :2",
    ],
)
def test_it_holds(client: Client, hash_table: str, stored: str, condition: str) -> None:
    _check(client, hash_table, stored, condition)


@pytest.mark.parametrize(
    "condition",
    [
        "n = :1",
        "n = :hello",
        "s < :9",
        "nope = :1",
        "nope < :1",
        "nope = nowhere",
        "n BETWEEN :7 AND :9",
        "n IN (:1, :hello)",
        "contains(n, :5)",
        "contains(ns, :a)",
        "contains(ss, :9)",
        "begins_with(n, :he)",
        "size(n) = :1",
        "size(nope) = :1",
        "m[0] = :7",
        "l.k = :1",
        "attribute_not_exists(n)",
        "attribute_type(s, :n)",
        "NOT (n = :5 OR n = :1)",
    ],
)
def test_it_does_not_hold(client: Client, hash_table: str, stored: str, condition: str) -> None:
    # A type that does not fit is no error: the condition is just not met.
    with refused("ConditionalCheckFailedException"):
        _check(client, hash_table, stored, condition)


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("", "Invalid ConditionExpression: The expression can not be empty;$"),
        ("n =", 'Syntax error; token: "<EOF>", near: "="$'),
        ("n = = :1", 'Syntax error; token: "=", near: "= = :1"$'),
        ("n", "Syntax error"),
        ("(n = :1", 'Syntax error; token: "<EOF>"'),
        ("((n = :1))", "The expression has redundant parentheses;$"),
        ("n IN ()", "Syntax error"),
        ("n = :none", "An expression attribute value used in expression is not defined; attribute value: :none$"),
        (
            "#nope = :1",
            "An expression attribute name used in the document path is not defined; attribute name: #nope$",
        ),
        ("name = :1", "Attribute name is a reserved keyword; reserved keyword: name$"),
        ("foo(n)", "Invalid function name; function: foo$"),
        ("contains(n)", "Incorrect number of operands for operator or function; operator or function: contains, n"),
        ("attribute_exists(:1)", "requires a document path; operator or function: attribute_exists$"),
        ("begins_with(n, :1)", "Incorrect operand type for operator or function; operator or function: begins_with"),
        ("n BETWEEN :2 AND :1", "BETWEEN operator requires upper bound to be greater than or equal to lower bound"),
        ("attribute_exists(n)" + " " * 4096, "Expression size has exceeded the maximum allowed size"),
    ],
)
def test_it_is_no_condition(client: Client, hash_table: str, condition: str, words: str) -> None:
    with invalid(words):
        _check(client, hash_table, "none", condition)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (
            {"ExpressionAttributeValues": {":1": {"N": "1"}, ":unused": {"N": "1"}}},
            "Value provided in ExpressionAttributeValues unused in expressions: keys: {:unused}$",
        ),
        (
            {"ExpressionAttributeValues": {":1": {"N": "1"}}, "ExpressionAttributeNames": {"#unused": "x"}},
            "Value provided in ExpressionAttributeNames unused in expressions: keys: {#unused}$",
        ),
        ({"ExpressionAttributeValues": {}}, "ExpressionAttributeValues must not be empty"),
        (
            {"ExpressionAttributeValues": {"1": {"N": "1"}}},
            "ExpressionAttributeValues contains invalid key: Syntax error",
        ),
        (
            {"ExpressionAttributeValues": {":1": {"N": "1"}}, "Expected": {"n": {"Exists": False}}},
            "Can not use both expression and non-expression parameters in the same request",
        ),
    ],
)
def test_what_does_not_go_with_the_expression(
    client: Client, hash_table: str, more: dict[str, Any], words: str
) -> None:
    with invalid(words):
        client.put_item(TableName=hash_table, Item={"p": {"S": "x"}}, ConditionExpression="n = :1", **more)


def test_values_without_an_expression(client: Client, hash_table: str) -> None:
    with invalid("ExpressionAttributeValues can only be specified when using expressions"):
        client.put_item(TableName=hash_table, Item={"p": {"S": "x"}}, ExpressionAttributeValues={":1": {"N": "1"}})


OPERATORS = "The expression contains too many operators; operator count: 301$"


@pytest.mark.parametrize(
    ("longest", "too_long", "words"),
    [
        (" AND ".join(["n <> :1"] * 150), " AND ".join(["n <> :1"] * 151), OPERATORS),
        ("NOT " * 299 + "n = :1", "NOT " * 300 + "n = :1", OPERATORS),
        (
            f"NOT n IN ({', '.join([':1'] * 100)})",
            f"n IN ({', '.join([':1'] * 101)})",
            "The IN operator is provided with too many operands; number of operands: 101$",
        ),
        (
            "attribute_not_exists(" + ".".join("a" * 32) + ")",
            "attribute_not_exists(" + ".".join("a" * 33) + ")",
            "The document path has too many nesting levels; nesting levels: 33$",
        ),
    ],
)
def test_how_large_a_condition_may_be(
    client: Client, hash_table: str, unique: str, longest: str, too_long: str, words: str
) -> None:
    _check(client, hash_table, unique, longest)
    with invalid(words):
        _check(client, hash_table, unique, too_long)
