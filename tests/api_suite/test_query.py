"""Query: key conditions of every type of sort key, both directions, pages, filters, counts."""

from typing import Any

import pytest
from tests.api_suite.conftest import Client, new_name
from tests.api_suite.refusal import invalid

NUMBERS = ["-1e20", "-3", "-0.5", "0", "0.5", "2", "10", "1e20"]
TEXTS = ["", "a", "aa", "ab", "b", "é", "\U0001f600"]
KIB = 1024


@pytest.fixture(scope="module")
def numbers(client: Client, sort_table: str) -> str:
    """A partition with one item a number of NUMBERS, `v` being its place in that order."""
    partition = new_name("numbers")
    for place, number in enumerate(NUMBERS):
        item = {"p": {"S": partition}, "c": {"N": number}, "v": {"N": str(place)}}
        client.put_item(TableName=sort_table, Item=item)
    return partition


def _places(client: Client, table: str, partition: str, condition: str, **more: Any) -> list[int]:
    """`v` of the items found, in the order in which they came."""
    values = {":p": {"S": partition}, **more.pop("values", {})}
    reply = client.query(
        TableName=table,
        KeyConditionExpression="p = :p" + (f" AND {condition}" if condition else ""),
        ExpressionAttributeValues=values,
        **more,
    )
    assert reply["Count"] == len(reply["Items"])
    return [int(item["v"]["N"]) for item in reply["Items"]]


@pytest.mark.parametrize(
    ("condition", "low", "high", "expected"),
    [
        ("", "", "", range(8)),
        ("c = :l", "2.0", "", [5]),
        ("c < :l", "0", "", [0, 1, 2]),
        ("c <= :l", "0", "", [0, 1, 2, 3]),
        ("c > :l", "2", "", [6, 7]),
        ("c >= :l", "2", "", [5, 6, 7]),
        ("c BETWEEN :l AND :h", "-1", "5", [2, 3, 4, 5]),
        ("c between :l and :h", "3", "4", []),
    ],
)
def test_numbers_are_in_numeric_order(
    client: Client, sort_table: str, numbers: str, condition: str, low: str, high: str, expected: list[int]
) -> None:
    values = {name: {"N": number} for name, number in ((":l", low), (":h", high)) if number}
    found = _places(client, sort_table, numbers, condition, values=values)
    assert found == list(expected)
    backward = _places(client, sort_table, numbers, condition, values=values, ScanIndexForward=False)
    assert backward == found[::-1]


def test_strings_are_in_the_order_of_their_bytes(client: Client, text_table: str, unique: str) -> None:
    for place, text in enumerate(TEXTS):
        if text:  # a key cannot be empty
            item = {"p": {"S": unique}, "c": {"S": text}, "v": {"N": str(place)}}
            client.put_item(TableName=text_table, Item=item)
    assert _places(client, text_table, unique, "") == [1, 2, 3, 4, 5, 6]
    prefix = {":s": {"S": "a"}}
    assert _places(client, text_table, unique, "begins_with(c, :s)", values=prefix) == [1, 2, 3]
    assert _places(client, text_table, unique, "c > :s", values={":s": {"S": "b"}}) == [5, 6]


def test_bytes_are_unsigned(client: Client, binary_table: str, unique: str) -> None:
    """A signed comparison would put what begins with 0x80 to 0xFF in front."""
    keys = [b"\x00", b"\x00\x00", b"\x01", b"\x7f", b"\x80", b"\xff", b"\xff\xff"]
    for place, key in enumerate(keys):
        item = {"p": {"S": unique}, "c": {"B": key}, "v": {"N": str(place)}}
        client.put_item(TableName=binary_table, Item=item)
    assert _places(client, binary_table, unique, "") == list(range(7))
    assert _places(client, binary_table, unique, "begins_with(c, :b)", values={":b": {"B": b"\xff"}}) == [5, 6]
    assert _places(client, binary_table, unique, "c < :b", values={":b": {"B": b"\x80"}}) == [0, 1, 2, 3]


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("limit", [1, 3, 8, 9])
def test_pages_by_limit_add_up(client: Client, sort_table: str, numbers: str, forward: bool, limit: int) -> None:
    request: dict[str, Any] = {
        "TableName": sort_table,
        "KeyConditionExpression": "p = :p",
        "ExpressionAttributeValues": {":p": {"S": numbers}},
        "ScanIndexForward": forward,
        "Limit": limit,
    }
    found: list[int] = []
    while True:
        page = client.query(**request)
        found += [int(item["v"]["N"]) for item in page["Items"]]
        if "LastEvaluatedKey" not in page:
            break
        assert page["Count"] == limit  # only a full page says that there may be more
        last = page["Items"][-1]
        assert page["LastEvaluatedKey"] == {"p": last["p"], "c": last["c"]}
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
    assert found == (list(range(8)) if forward else list(range(8))[::-1])


def test_a_page_ends_at_1_mb(client: Client, sort_table: str, unique: str) -> None:
    # The item that reaches the megabyte is the last of its page.
    for number in range(6):
        item = {"p": {"S": unique}, "c": {"N": str(number)}, "d": {"S": "x" * 300 * KIB}}
        client.put_item(TableName=sort_table, Item=item)
    request = {
        "TableName": sort_table,
        "KeyConditionExpression": "p = :p",
        "ExpressionAttributeValues": {":p": {"S": unique}},
        "ProjectionExpression": "c",  # what is read counts, not what is sent
    }
    page = client.query(**request)
    assert (page["Count"], page["LastEvaluatedKey"]["c"]) == (4, {"N": "3"})
    page = client.query(**request, ExclusiveStartKey=page["LastEvaluatedKey"])
    assert page["Count"] == 2
    assert "LastEvaluatedKey" not in page


def test_a_filter_works_after_the_limit(client: Client, sort_table: str, numbers: str) -> None:
    request = {
        "TableName": sort_table,
        "KeyConditionExpression": "p = :p",
        "FilterExpression": "v > :v",
        "ExpressionAttributeValues": {":p": {"S": numbers}, ":v": {"N": "3"}},
        "Limit": 5,
    }
    page = client.query(**request)
    assert (page["Count"], page["ScannedCount"]) == (1, 5)
    assert page["LastEvaluatedKey"]["c"] == {"N": "0.5"}
    counted = client.query(**request, Select="COUNT")
    assert (counted["Count"], counted["ScannedCount"]) == (1, 5)
    assert "Items" not in counted


def test_a_start_key_need_not_exist(client: Client, sort_table: str, numbers: str) -> None:
    start = {"p": {"S": numbers}, "c": {"N": "1"}}
    assert _places(client, sort_table, numbers, "", ExclusiveStartKey=start) == [5, 6, 7]
    backward = _places(client, sort_table, numbers, "", ExclusiveStartKey=start, ScanIndexForward=False)
    assert backward == [4, 3, 2, 1, 0]


def test_an_empty_partition_is_an_empty_page(client: Client, sort_table: str, unique: str) -> None:
    reply = client.query(
        TableName=sort_table, KeyConditionExpression="p = :p", ExpressionAttributeValues={":p": {"S": unique}}
    )
    assert (reply["Items"], reply["Count"], reply["ScannedCount"]) == ([], 0, 0)
    assert "LastEvaluatedKey" not in reply


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("c = :n", "Query condition missed key schema element"),
        ("p > :s", "Query key condition not supported"),
        ("p = :s OR c = :n", "Invalid operator used in KeyConditionExpression: OR"),
        ("p = :s AND c <> :n", "Invalid operator used in KeyConditionExpression: <>|Unsupported operator"),
        ("NOT p = :s", "Invalid operator used in KeyConditionExpression: NOT"),
        ("p = :s AND v = :n", "Query condition missed key schema element|key condition not supported"),
        ("p = :n", "Condition parameter type does not match schema type"),
        ("p = :s AND begins_with(c, :s)", ""),
        ("p = :s AND p = :s", "KeyConditionExpressions must only contain one condition per key"),
        ("p = :s AND c > :n AND c < :n", "KeyConditionExpressions must only contain one condition per key"),
        ("p.q = :s", "cannot have conditions on nested attributes|Key attributes must be scalars"),
        ("attribute_exists(p)", "Invalid operator used in KeyConditionExpression: attribute_exists"),
        ("", "Invalid KeyConditionExpression: The expression can not be empty;$"),
    ],
)
def test_it_is_no_key_condition(client: Client, sort_table: str, condition: str, words: str) -> None:
    values = {name: value for name, value in ((":s", {"S": "x"}), (":n", {"N": "1"})) if name in condition}
    more = {"ExpressionAttributeValues": values} if values else {}
    with invalid(words):
        client.query(TableName=sort_table, KeyConditionExpression=condition, **more)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"FilterExpression": "c = :p"}, "Filter Expression can only contain non-primary key attributes: Primary key"),
        ({"ExclusiveStartKey": {"p": {"S": "x"}}}, "(?i)start(ing)? key"),
        ({"ExclusiveStartKey": {"p": {"S": "y"}, "c": {"N": "1"}}}, "starting key"),
        ({"Select": "ALL_PROJECTED_ATTRIBUTES"}, "ALL_PROJECTED_ATTRIBUTES can be used only when Querying"),
        (
            {"Select": "COUNT", "ProjectionExpression": "v"},
            "Cannot specify the ProjectionExpression when choosing",
        ),
        ({"Select": "SPECIFIC_ATTRIBUTES"}, "Must specify the AttributesToGet or ProjectionExpression when choosing"),
        ({"IndexName": "nope"}, "The table does not have the specified index: nope"),
    ],
)
def test_what_does_not_go_together(client: Client, sort_table: str, more: dict[str, Any], words: str) -> None:
    with invalid(words):
        client.query(
            TableName=sort_table,
            KeyConditionExpression="p = :p",
            ExpressionAttributeValues={":p": {"S": "x"}},
            **more,
        )
