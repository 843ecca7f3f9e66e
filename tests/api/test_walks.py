"""Pages of one item, walked to their end: no page may give a key that the next one refuses."""

from typing import Any

import pytest
from tests.in_process import Api

PAGES_MAX = 20
ROWS = 3


def element(name: str, kind: str = "HASH") -> dict[str, str]:
    return {"AttributeName": name, "KeyType": kind}


def create(api: Api, sort: str | None) -> None:
    """A table abc of key p, with a sort key or without, a global index by g alone, and one by g and p; where there is a
    sort key a local index by l."""
    keys = [element("p"), *([element(sort, "RANGE")] if sort else ())]
    keys_only = {"ProjectionType": "KEYS_ONLY"}
    request: dict[str, Any] = {
        "TableName": "abc",
        "KeySchema": keys,
        "BillingMode": "PAY_PER_REQUEST",
        "GlobalSecondaryIndexes": [
            {"IndexName": "global", "KeySchema": [element("g")], "Projection": keys_only},
            {"IndexName": "inverted", "KeySchema": [element("g"), element("p", "RANGE")], "Projection": keys_only},
        ],
    }
    names = ["p", "g"]
    if sort:
        names += [sort, "l"]
        local = {"IndexName": "local", "KeySchema": [element("p"), element("l", "RANGE")], "Projection": keys_only}
        request["LocalSecondaryIndexes"] = [local]
    api("CreateTable", **request, AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in names])
    for number in range(ROWS):
        item = {name: {"S": str(number)} for name in "pclv"} | {"g": {"S": "x"}}
        api("PutItem", TableName="abc", Item=item | {"p": {"S": "a"}} if sort else item)


def walk(api: Api, operation: str, **request: Any) -> list[dict[str, Any]]:
    """The items of all pages of one."""
    items: list[dict[str, Any]] = []
    for _ in range(PAGES_MAX):
        page = api(operation, TableName="abc", Limit=1, **request)
        items += page["Items"]
        if "LastEvaluatedKey" not in page:
            return items
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
    raise AssertionError("the walk has an end")


MORE: list[dict[str, Any]] = [
    {},
    {"ScanIndexForward": False},
    {"ConsistentRead": True},
    {"ReturnConsumedCapacity": "TOTAL"},
    {"ProjectionExpression": "p"},
    {"FilterExpression": "attribute_exists(v)"},
]


@pytest.mark.parametrize("more", MORE)
def test_a_table_without_a_sort_key_ends_behind_its_row(api: Api, more: dict[str, Any]) -> None:
    create(api, None)
    values = {":p": {"S": "0"}}
    page = api(
        "Query", TableName="abc", KeyConditionExpression="p = :p", ExpressionAttributeValues=values, Limit=1, **more
    )
    assert page["Count"] == 1
    assert "LastEvaluatedKey" not in page


def test_neither_does_its_row_end_a_full_page(api: Api) -> None:
    """The legacy form and COUNT go other ways to the answer."""
    create(api, None)
    condition = {"p": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "0"}]}}
    for more in ({}, {"Select": "COUNT"}):
        page = api("Query", TableName="abc", KeyConditions=condition, Limit=1, **more)
        assert page["Count"] == 1
        assert "LastEvaluatedKey" not in page


@pytest.mark.parametrize("more", MORE)
@pytest.mark.parametrize(
    ("index", "condition", "value", "found"),
    [
        (None, "p = :v", "a", ROWS),
        (None, "p = :v AND c = :v", "a", 0),
        (None, "p = :v AND c < :v", "a", ROWS),
        (None, "p = :v AND begins_with(c, :v)", "a", 0),
        ("local", "p = :v", "a", ROWS),
        ("global", "g = :v", "x", ROWS),
        ("inverted", "g = :v", "x", ROWS),
        ("inverted", "g = :v AND p < :v", "x", ROWS),
    ],
)
def test_every_query_can_be_walked(
    api: Api, index: str | None, condition: str, value: str, found: int, more: dict[str, Any]
) -> None:
    create(api, "c")
    if index is not None:  # which holds no v, and is global or not
        more = {name: each for name, each in more.items() if name not in ("ConsistentRead", "FilterExpression")}
    asked = {"KeyConditionExpression": condition, "ExpressionAttributeValues": {":v": {"S": value}}, **more}
    if index is not None:
        asked["IndexName"] = index
    assert len(walk(api, "Query", **asked)) == found


def test_a_query_of_one_whole_key_can_be_walked(api: Api) -> None:
    create(api, "c")
    values = {":p": {"S": "a"}, ":c": {"S": "1"}}
    asked = {"KeyConditionExpression": "p = :p AND c = :c", "ExpressionAttributeValues": values}
    assert len(walk(api, "Query", **asked)) == 1


@pytest.mark.parametrize("sort", [None, "c"])
@pytest.mark.parametrize("index", [None, "local", "global", "inverted"])
@pytest.mark.parametrize("segments", [1, 3])
def test_every_scan_can_be_walked(api: Api, sort: str | None, index: str | None, segments: int) -> None:
    if sort is None and index == "local":
        pytest.skip("there is none without a sort key")
    create(api, sort)
    asked = {} if index is None else {"IndexName": index}
    if segments == 1:
        assert len(walk(api, "Scan", **asked)) == ROWS
        return
    parts = [walk(api, "Scan", **asked, Segment=n, TotalSegments=segments) for n in range(segments)]
    assert sum(map(len, parts)) == ROWS


@pytest.mark.parametrize("index", ["local", "global"])
def test_the_filter_of_a_scan_sees_what_an_index_holds(api: Api, index: str) -> None:
    """A Query refuses such a filter, a Scan does not."""
    create(api, "c")
    found = api("Scan", TableName="abc", IndexName=index, FilterExpression="attribute_exists(v)")
    assert (found["Count"], found["ScannedCount"]) == (0, ROWS)
    found = api("Scan", TableName="abc", IndexName=index, FilterExpression="attribute_not_exists(v)")
    assert found["Count"] == ROWS
    null = {"v": {"ComparisonOperator": "NULL"}}
    assert api("Scan", TableName="abc", IndexName=index, ScanFilter=null)["Count"] == ROWS
    values = {":v": {"S": "a" if index == "local" else "x"}}
    fault = api.refused(
        "Query",
        TableName="abc",
        IndexName=index,
        KeyConditionExpression="p = :v" if index == "local" else "g = :v",
        FilterExpression="attribute_exists(v)",
        ExpressionAttributeValues=values,
    )
    assert fault.message == (
        "One or more parameter values were invalid: "
        f"Secondary index {index} does not project one or more filter attributes: [v]"
    )


@pytest.mark.parametrize(("index", "text"), [(None, ": The provided key element does not match the schema"),
                                             ("global", ""), ("local", "")])  # fmt: skip
def test_an_empty_start_key_is_no_start_key(api: Api, index: str | None, text: str) -> None:
    """It begins no page: a loop that hands over an empty key would go on for ever."""
    create(api, "c")
    asked: dict[str, Any] = {"TableName": "abc", "ExclusiveStartKey": {}}
    if index is not None:
        asked["IndexName"] = index
    invalid = "The provided starting key is invalid"
    assert api.refused("Scan", **asked).message == invalid + text
    condition, value = ("g = :v", "x") if index == "global" else ("p = :v", "a")
    asked |= {"KeyConditionExpression": condition, "ExpressionAttributeValues": {":v": {"S": value}}}
    fault = api.refused("Query", **asked)
    assert (fault.code, fault.message) == ("ValidationException", invalid)
