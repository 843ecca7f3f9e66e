"""Query and Scan: what they give, what one page may hold, and each refusal with its text."""

from typing import Any

import pytest
from tests.in_process import Api, Fault

INVALID = "One or more parameter values were invalid: "
KIB = 1024


def element(name: str, kind: str = "HASH") -> dict[str, str]:
    return {"AttributeName": name, "KeyType": kind}


@pytest.fixture
def table(api: Api) -> Api:
    """With a table abc of key p (S), c (N): a local index by l (S) of keys only, global ones by g (S), and g, h; l."""
    keys_only = {"ProjectionType": "KEYS_ONLY"}
    api(
        "CreateTable",
        TableName="abc",
        KeySchema=[element("p"), element("c", "RANGE")],
        AttributeDefinitions=[
            {"AttributeName": n, "AttributeType": t} for n, t in ("pS", "cN", "lS", "gS", "hS", "sS")
        ],
        LocalSecondaryIndexes=[
            {"IndexName": "local", "KeySchema": [element("p"), element("l", "RANGE")], "Projection": keys_only}
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "global",
                "KeySchema": [element("g")],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["v"]},
            },
            {
                "IndexName": "several",
                "KeySchema": [element("g"), element("h"), element("l", "RANGE"), element("s", "RANGE")],
                "Projection": {"ProjectionType": "ALL"},
            },
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return api


def put(api: Api, c: int, p: str = "a", **more: str) -> dict[str, Any]:
    item = {"p": {"S": p}, "c": {"N": str(c)}, **{name: {"S": text} for name, text in more.items()}}
    api("PutItem", TableName="abc", Item=item)
    return item


def query(api: Api, condition: str = "p = :p", values: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    bound = {":p": {"S": "a"}} if values is None else values
    return api("Query", TableName="abc", KeyConditionExpression=condition, ExpressionAttributeValues=bound, **more)


def numbers(answer: dict[str, Any]) -> list[int]:
    return [int(item["c"]["N"]) for item in answer["Items"]]


def test_a_page_ends_with_the_item_that_reaches_one_megabyte(table: Api) -> None:
    for c in range(5):
        put(table, c, v="x" * 300 * KIB)
    page = query(table)
    assert (numbers(page), page["LastEvaluatedKey"]) == ([0, 1, 2, 3], {"p": {"S": "a"}, "c": {"N": "3"}})
    rest = query(table, ExclusiveStartKey=page["LastEvaluatedKey"])
    assert numbers(rest) == [4]
    assert "LastEvaluatedKey" not in rest
    backwards = query(table, ScanIndexForward=False)
    assert numbers(backwards) == [4, 3, 2, 1]
    assert numbers(table("Scan", TableName="abc")) == [0, 1, 2, 3]


def test_a_page_is_measured_before_it_is_filtered_and_cut(table: Api) -> None:
    for c in range(5):
        put(table, c, v="x" * 300 * KIB)
    page = query(
        table,
        values={":p": {"S": "a"}, ":w": {"S": "x"}},
        FilterExpression="attribute_exists(w) AND w = :w",
        ProjectionExpression="c",
    )
    assert (page["Count"], page["ScannedCount"], page["Items"]) == (0, 4, [])
    assert page["LastEvaluatedKey"]["c"] == {"N": "3"}


def test_a_limit_counts_items_before_the_filter(table: Api) -> None:
    for c in range(4):
        put(table, c, v="even" if c % 2 == 0 else "odd")
    values = {":p": {"S": "a"}, ":v": {"S": "odd"}}
    page = query(table, values=values, FilterExpression="v = :v", Limit=3)
    assert (numbers(page), page["ScannedCount"], page["LastEvaluatedKey"]["c"]) == ([1], 3, {"N": "2"})
    page = query(table, Limit=4)  # just all of them: the last page is still to come
    assert page["LastEvaluatedKey"]["c"] == {"N": "3"}
    page = query(table, Limit=4, ExclusiveStartKey=page["LastEvaluatedKey"])
    assert page == {"Items": [], "Count": 0, "ScannedCount": 0}


def test_a_cursor_need_not_be_there(table: Api) -> None:
    """Its item may have been deleted meanwhile, or never have been."""
    for c in (1, 3):
        put(table, c)
    start = {"p": {"S": "a"}, "c": {"N": "2"}}
    assert numbers(query(table, ExclusiveStartKey=start)) == [3]
    assert numbers(query(table, ExclusiveStartKey=start, ScanIndexForward=False)) == [1]
    assert numbers(table("Scan", TableName="abc", ExclusiveStartKey=start)) == [3]


def test_counting_gives_no_items(table: Api) -> None:
    put(table, 1)
    assert query(table, Select="COUNT") == {"Count": 1, "ScannedCount": 1}
    assert table("Scan", TableName="abc", Select="COUNT") == {"Count": 1, "ScannedCount": 1}


def test_a_local_index_fetches_what_it_does_not_hold(table: Api) -> None:
    item = put(table, 1, l="x", v="y", w="z")
    kept = {name: item[name] for name in ("p", "c", "l")}
    assert query(table, IndexName="local")["Items"] == [kept]
    assert query(table, IndexName="local", Select="ALL_ATTRIBUTES")["Items"] == [item]
    assert query(table, IndexName="local", ProjectionExpression="l, v")["Items"] == [{"l": {"S": "x"}, "v": {"S": "y"}}]
    assert query(table, IndexName="local", ConsistentRead=True)["Items"] == [kept]
    cost = query(table, IndexName="local", Select="ALL_ATTRIBUTES", ReturnConsumedCapacity="INDEXES")
    assert cost["ConsumedCapacity"] == {
        "TableName": "abc",
        "CapacityUnits": 1.0,
        "Table": {"CapacityUnits": 0.5},
        "LocalSecondaryIndexes": {"local": {"CapacityUnits": 0.5}},
    }


def test_a_global_index_gives_what_it_holds(table: Api) -> None:
    item = put(table, 1, g="x", v="y", w="z")
    kept = {name: item[name] for name in ("p", "c", "g", "v")}
    values = {":g": {"S": "x"}}
    assert query(table, "g = :g", values, IndexName="global")["Items"] == [kept]
    assert query(table, "g = :g", values, IndexName="global", ProjectionExpression="v")["Items"] == [{"v": {"S": "y"}}]


def test_an_index_of_several_attributes_is_asked_from_the_left(table: Api) -> None:
    for c, (first, second) in enumerate([("a", "x"), ("a", "y"), ("ab", "x"), ("b", "x")]):
        put(table, c, g="g", h="h", l=first, s=second)
    given = {":g": {"S": "g"}, ":h": {"S": "h"}}

    def ask(condition: str, **more: str) -> list[int]:
        values = {**given, **{f":{name}": {"S": text} for name, text in more.items()}}
        return numbers(query(table, "g = :g AND h = :h" + condition, values, IndexName="several"))

    assert ask("") == [0, 1, 2, 3]
    assert ask(" AND l = :l", l="a") == [0, 1]
    assert ask(" AND begins_with(l, :l)", l="a") == [0, 1, 2]
    assert ask(" AND l > :l", l="a") == [2, 3]
    assert ask(" AND l = :l AND s > :s", l="a", s="x") == [1]


def test_every_segment_holds_its_part(table: Api) -> None:
    for number in range(30):
        put(table, 1, p=str(number))
    for total in (1, 3, 100):
        found = [
            item["p"]["S"]
            for segment in range(total)
            for item in table("Scan", TableName="abc", Segment=segment, TotalSegments=total)["Items"]
        ]
        assert sorted(found) == sorted(str(number) for number in range(30))


@pytest.mark.parametrize("length", [2049, 100_000])
def test_values_that_no_key_can_have_are_refused(table: Api, length: int) -> None:
    """Sort keys' as DynamoDB Local does it, partition keys' likewise: neither may reach the engine."""
    long = {"S": "y" * length}
    put(table, 1, l="x")
    hash_fault = INVALID + "Size of hashkey has exceeded the maximum size limit of2048 bytes"
    range_fault = INVALID + "Aggregated size of all range keys has exceeded the size limit of 1024 bytes"
    asked: dict[str, Any] = {"TableName": "abc", "KeyConditionExpression": "p = :p"}
    assert table.refused("Query", **asked, ExpressionAttributeValues={":p": long}).message == hash_fault
    for operator in ("l = :l", "l > :l", "begins_with(l, :l)", "l BETWEEN :p AND :l"):
        asked["KeyConditionExpression"] = "p = :p AND " + operator
        asked["ExpressionAttributeValues"] = {":p": {"S": "a"}, ":l": long}
        assert table.refused("Query", **asked, IndexName="local").message == range_fault
    cursor = {"p": {"S": "a"}, "c": {"N": "1"}, "l": long}
    assert table.refused("Scan", TableName="abc", IndexName="local", ExclusiveStartKey=cursor).message == range_fault
    cursor = {"p": long, "c": {"N": "1"}}
    assert table.refused("Scan", TableName="abc", ExclusiveStartKey=cursor).message == hash_fault


CURSOR = "The provided starting key is invalid"
DETECTED = "1 validation error detected: "
DETECTED_TOO = ("ALL_PROJECTED", "Must specify", "Cannot specify", CURSOR + ": " + INVALID)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"IndexName": "none"}, "The table does not have the specified index: none"),
        (
            {"Select": "ALL_PROJECTED_ATTRIBUTES"},
            "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName",
        ),
        (
            {"Select": "SPECIFIC_ATTRIBUTES"},
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES",
        ),
        (
            {"Select": "COUNT", "ProjectionExpression": "v"},
            "Cannot specify the ProjectionExpression when choosing to get only the Count",
        ),
        (
            {"Select": "ALL_ATTRIBUTES", "ProjectionExpression": "v"},
            "Cannot specify the ProjectionExpression when choosing to get ALL_ATTRIBUTES",
        ),
        (
            {"ExclusiveStartKey": {"p": {"S": "a"}, "c": {"S": "1"}}},
            CURSOR + ": The provided key element does not match the schema",
        ),
        (
            {"ExclusiveStartKey": {"p": {"S": "a"}, "c": {"NULL": False}}},
            f"{CURSOR}: {INVALID}Null attribute value types must have the value of true",
        ),
        (
            {"ExclusiveStartKey": {"p": {"S": "a"}, "c": {"N": "x"}}},
            "The parameter cannot be converted to a numeric value: x",
        ),
    ],
)
@pytest.mark.parametrize("operation", ["Query", "Scan"])
def test_refusals_of_both(table: Api, operation: str, more: dict[str, Any], message: str) -> None:
    """What Query and Scan have in common they refuse in the same words but for where Query has a newer layer's."""
    asked: dict[str, Any] = {}
    if operation == "Query":
        message = DETECTED + message if message.startswith(DETECTED_TOO) else message
        asked = {"KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}}
    fault = table.refused(operation, TableName="abc", **asked, **more)
    assert (fault.code, fault.message) == ("ValidationException", message)


@pytest.mark.parametrize("key", [{"p": {"S": "a"}}, {"p": {"S": "a"}, "d": {"N": "1"}}])
def test_a_start_key_has_every_attribute(table: Api, key: dict[str, Any]) -> None:
    """A scan of a table says it in other words."""
    asked = {"KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}}
    assert table.refused("Query", TableName="abc", **asked, ExclusiveStartKey=key).message == CURSOR
    assert table.refused("Scan", TableName="abc", ExclusiveStartKey=key).message == (
        CURSOR + ": The provided key element does not match the schema"
    )
    assert table.refused("Scan", TableName="abc", IndexName="global", ExclusiveStartKey=key).message == CURSOR


UNSUPPORTED = "Query key condition not supported"
MISSED = "Query condition missed key schema element: "


@pytest.mark.parametrize(
    ("condition", "values", "more", "message"),
    [
        ("c = :c", {":c": {"N": "1"}}, {}, MISSED + "p"),
        ("p = :p AND d = :c", {":p": {"S": "a"}, ":c": {"N": "1"}}, {}, MISSED + "c"),
        ("p > :p", {":p": {"S": "a"}}, {}, UNSUPPORTED),
        ("p = :p", {":p": {"N": "1"}}, {}, INVALID + "Condition parameter type does not match schema type"),
        (
            "p = :p",
            {":p": {"S": ""}},
            {},
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "
            "empty string value. Key: p",
        ),
        (
            "p = :p AND c BETWEEN :b AND :c",
            {":p": {"S": "a"}, ":b": {"N": "2"}, ":c": {"N": "1"}},
            {},
            DETECTED + "Invalid KeyConditionExpression: The BETWEEN operator requires upper bound to be greater than "
            "or equal to lower bound; "
            "lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}",
        ),
        ("g = :g", {":g": {"S": "a"}}, {"IndexName": "global", "ConsistentRead": True},
         "Consistent reads are not supported on global secondary indexes"),
        (
            "g = :g",
            {":g": {"S": "a"}},
            {"IndexName": "global", "Select": "ALL_ATTRIBUTES"},
            INVALID + "Select type ALL_ATTRIBUTES is not supported for global secondary index global because its "
            "projection type is not ALL",
        ),
        (
            "g = :g",
            {":g": {"S": "a"}},
            {"IndexName": "global", "ProjectionExpression": "w"},
            INVALID + "Global secondary index global does not project [w]",
        ),
        (
            "p = :p",
            {":p": {"S": "a"}},
            {"FilterExpression": "attribute_exists(c)"},
            "Filter Expression can only contain non-primary key attributes: Primary key attribute: c",
        ),
        (
            "p = :p",
            {":p": {"S": "a"}},
            {"ExclusiveStartKey": {"p": {"S": "b"}, "c": {"N": "1"}}},
            "The provided starting key is outside query boundaries based on provided conditions",
        ),
        (
            "p = :p AND c > :c",
            {":p": {"S": "a"}, ":c": {"N": "1"}},
            {"ExclusiveStartKey": {"p": {"S": "a"}, "c": {"N": "0"}}},
            "The provided starting key does not match the range key predicate",
        ),
    ],
)  # fmt: skip
def test_refusals_of_queries(
    table: Api, condition: str, values: dict[str, Any], more: dict[str, Any], message: str
) -> None:
    asked = {"KeyConditionExpression": condition, "ExpressionAttributeValues": values}
    fault = table.refused("Query", TableName="abc", **asked, **more)
    assert (fault.code, fault.message) == ("ValidationException", message)


@pytest.mark.parametrize("condition", ["g = :g", "g = :g AND h > :h", "g = :g AND h = :h AND s = :s"])
def test_an_index_of_several_attributes_wants_them_in_order(table: Api, condition: str) -> None:
    values = {f":{name}": {"S": "x"} for name in "ghs" if f":{name}" in condition}
    fault = table.refused(
        "Query",
        TableName="abc",
        IndexName="several",
        KeyConditionExpression=condition,
        ExpressionAttributeValues=values,
    )
    assert fault.code == "ValidationException"
    assert fault.message.startswith(UNSUPPORTED)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            {"Segment": 0},
            "The TotalSegments parameter is required but was not present in the request when Segment parameter is "
            "present",
        ),
        (
            {"TotalSegments": 2},
            "The Segment parameter is required but was not present in the request when parameter TotalSegments is "
            "present",
        ),
        (
            {"Segment": 2, "TotalSegments": 2},
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 2 is not less "
            "than TotalSegments: 2",
        ),
    ],
)
def test_refusals_of_scans(table: Api, more: dict[str, Any], message: str) -> None:
    fault = table.refused("Scan", TableName="abc", **more)
    assert (fault.code, fault.message) == ("ValidationException", message)


def test_a_cursor_belongs_to_its_segment(table: Api) -> None:
    for number in range(30):
        put(table, 1, p=str(number))
    first = table("Scan", TableName="abc", Segment=0, TotalSegments=3, Limit=1)
    fault = table.refused(
        "Scan", TableName="abc", Segment=1, TotalSegments=3, ExclusiveStartKey=first["LastEvaluatedKey"]
    )
    assert fault.message == (
        "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct "
        "Segment. TotalSegments: 3 Segment: 1"
    )


def test_a_select_has_the_order_of_an_index_of_several_sort_keys_or_none(table: Api) -> None:
    for c, both in enumerate(("aa", "ab", "ba", "bb")):
        put(table, c, g="g", h="h", l=both[0], s=both[1])

    def selected(order: str, where: str = "") -> list[int]:
        text = f"""SELECT * FROM "abc"."several" WHERE g = 'g' AND h = 'h'{where} ORDER BY {order}"""
        return numbers(table("ExecuteStatement", Statement=text))

    assert selected("l, s") == [0, 1, 2, 3]
    assert selected("g DESC, l DESC, s DESC") == [3, 2, 1, 0]
    assert selected("s", " AND l = 'b'") == [2, 3]
    assert selected("l DESC, s ASC", " AND l = 'b'") == [2, 3], "all have the same l"
    for order in ("l DESC, s ASC", "l ASC, s DESC", "s", "s, l"):
        with pytest.raises(Fault, match="must stand in the order of the key"):
            selected(order)


def test_a_cursor_of_an_index_is_looked_at_by_the_index_first(table: Api) -> None:
    """In the words about a key; what the table says of its own part is told as of a starting key."""
    key = {"p": {"S": "a"}, "c": {"N": "1"}, "g": {"S": "g"}}
    schema = "The provided key element does not match the schema"
    empty = (
        "One or more parameter values are not valid. "
        "The AttributeValue for a key attribute cannot contain an empty string value. Key: "
    )
    where = {"KeyConditionExpression": "g = :g", "ExpressionAttributeValues": {":g": {"S": "g"}}}
    for operation, more in (("Query", where), ("Scan", {})):
        ask = {"TableName": "abc", "IndexName": "global", **more}
        for part, message in (
            ({"g": {"N": "1"}}, schema),
            ({"g": {"S": ""}}, empty + "g"),
            ({"c": {"S": "1"}}, f"{CURSOR}: {schema}"),
            ({"p": {"S": ""}}, f"{CURSOR}: {empty}p"),
        ):
            assert table.refused(operation, **ask, ExclusiveStartKey={**key, **part}).message == message
    assert table.refused("Scan", TableName="abc", ExclusiveStartKey={"p": {"S": ""}, "c": {"N": "1"}}).message == (
        f"{CURSOR}: {empty}p"
    )


def test_an_index_without_sort_key_has_many_rows_that_a_cursor_may_miss(table: Api) -> None:
    key = {"p": {"S": "a"}, "c": {"N": "1"}, "g": {"S": "other"}}
    where = {"KeyConditionExpression": "g = :g", "ExpressionAttributeValues": {":g": {"S": "g"}}}
    assert table.refused("Query", TableName="abc", IndexName="global", **where, ExclusiveStartKey=key).message == (
        "The provided starting key is outside query boundaries based on provided conditions"
    )
