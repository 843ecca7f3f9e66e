"""Scan: everything once, whatever the pages and segments."""

from typing import Any

import pytest
from tests.api_suite.conftest import Client, MakeTable
from tests.api_suite.refusal import invalid

KIB = 1024
ITEMS = 60


@pytest.fixture(scope="module")
def table(client: Client, make_table: MakeTable) -> str:
    """20 partitions of 3 items each, `v` counting them all."""
    name = make_table("p c", "p:S c:N")
    for number in range(ITEMS):
        item = {"p": {"S": str(number // 3)}, "c": {"N": str(number % 3)}, "v": {"N": str(number)}}
        client.put_item(TableName=name, Item=item)
    return name


def _all(client: Client, **request: Any) -> list[int]:
    """`v` of all items of all pages."""
    found: list[int] = []
    while True:
        page = client.scan(**request)
        assert page["Count"] == len(page["Items"])
        found += [int(item["v"]["N"]) for item in page["Items"]]
        if "LastEvaluatedKey" not in page:
            return found
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]


@pytest.mark.parametrize("limit", [1, 7, ITEMS, ITEMS + 1])
def test_pages_give_each_item_once(client: Client, table: str, limit: int) -> None:
    assert sorted(_all(client, TableName=table, Limit=limit)) == list(range(ITEMS))


@pytest.mark.parametrize("segments", [1, 2, 5, 200])
def test_segments_give_each_item_once(client: Client, table: str, segments: int) -> None:
    found = [
        number
        for segment in range(segments)
        for number in _all(client, TableName=table, Segment=segment, TotalSegments=segments, Limit=7)
    ]
    assert sorted(found) == list(range(ITEMS))


def test_segments_share_the_work(client: Client, table: str) -> None:
    counts = [len(_all(client, TableName=table, Segment=segment, TotalSegments=2)) for segment in (0, 1)]
    assert min(counts) > 0


def test_a_filter_leaves_the_pages_as_they_are(client: Client, table: str) -> None:
    request = {
        "TableName": table,
        "FilterExpression": "v < :v AND c = :c",
        "ExpressionAttributeValues": {":v": {"N": "30"}, ":c": {"N": "1"}},
    }
    assert sorted(_all(client, **request, Limit=7)) == list(range(1, 30, 3))
    page = client.scan(**request, Limit=7)
    assert page["ScannedCount"] == 7
    counted = client.scan(**request, Select="COUNT")
    assert (counted["Count"], counted["ScannedCount"]) == (10, ITEMS)
    assert "Items" not in counted


def test_a_page_ends_at_1_mb(client: Client, make_table: MakeTable) -> None:
    name = make_table("p", "p:S")
    for number in range(8):
        item = {"p": {"S": str(number)}, "v": {"N": str(number)}, "d": {"S": "x" * 300 * KIB}}
        client.put_item(TableName=name, Item=item)
    page = client.scan(TableName=name, Select="COUNT")
    assert page["Count"] == 4
    assert "LastEvaluatedKey" in page
    assert sorted(_all(client, TableName=name)) == list(range(8))


def test_a_scan_of_an_index_starts_from_its_own_keys(client: Client, make_table: MakeTable) -> None:
    name = make_table(
        "p",
        "p:S g:S",
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_g",
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    for number in range(10):
        item = {"p": {"S": str(number)}, "v": {"N": str(number)}}
        group = {"g": {"S": str(number % 2)}} if number < 6 else {}
        client.put_item(TableName=name, Item={**item, **group})
    assert sorted(_all(client, TableName=name, IndexName="by_g", Limit=2)) == list(range(6))
    by_g = {"TableName": name, "IndexName": "by_g"}
    page = client.scan(**by_g, Limit=1)
    assert page["LastEvaluatedKey"].keys() == {"p", "g"}
    parts = [number for part in range(3) for number in _all(client, **by_g, Segment=part, TotalSegments=3)]
    assert sorted(parts) == list(range(6))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"Segment": 0}, "TotalSegments|total segment"),
        ({"TotalSegments": 2}, "Segment|segment"),
        ({"Segment": 2, "TotalSegments": 2}, "Segment|segment"),
        ({"ExclusiveStartKey": {"q": {"S": "x"}}}, "starting key|does not match the schema|key"),
        ({"IndexName": "nope"}, "The table does not have the specified index: nope"),
        ({"FilterExpression": ""}, "^Invalid FilterExpression: The expression can not be empty;$"),
        (
            {"Select": "COUNT", "ProjectionExpression": "v"},
            "Cannot specify the ProjectionExpression when choosing",
        ),
    ],
)
def test_what_no_scan_can_do(client: Client, table: str, more: dict[str, Any], words: str) -> None:
    with invalid(words):
        client.scan(TableName=table, **more)
