"""Global indexes added to and deleted from a live table, and index keys of several attributes."""

import threading
from typing import Any

import pytest
from tests.api_suite.conftest import Client, MakeTable, await_active, index, keys, types
from tests.api_suite.refusal import invalid, refused

PAIR = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
# Index keys of several attributes came to the service in November 2025.
NEWER = pytest.mark.deviates("dynamodb-local", "release 2.6.1 knows index keys of one or two attributes only")


def _create(client: Client, table: str, definitions: str, description: dict[str, Any]) -> None:
    client.update_table(
        TableName=table,
        AttributeDefinitions=types(definitions),
        GlobalSecondaryIndexUpdates=[{"Create": description}],
    )


def _scan(client: Client, table: str, name: str) -> list[str]:
    """Partition keys of all entries, in order."""
    pages = client.get_paginator("scan").paginate(TableName=table, IndexName=name)
    return sorted(item["p"]["S"] for page in pages for item in page["Items"])


@pytest.mark.deviates("dynamodb-local", "it puts values of the wrong type into the index too")
def test_an_added_index_holds_what_was_there_before(client: Client, make_table: MakeTable) -> None:
    table = make_table("p", "p:S")
    for number in range(60):
        group = {"g": {"S": "x"}} if number % 2 else {"g": {"N": "1"}}  # the wrong type stays outside
        client.put_item(TableName=table, Item={"p": {"S": f"{number:02}"}, **group})
    _create(client, table, "p:S g:S", index("by_g", "g"))
    description = await_active(client, table)["GlobalSecondaryIndexes"][0]
    assert (description["IndexName"], description["IndexStatus"]) == ("by_g", "ACTIVE")
    assert _scan(client, table, "by_g") == [f"{number:02}" for number in range(1, 60, 2)]


@pytest.mark.deviates("dynamodb-local", "writes during the filling fail there")
@pytest.mark.slow
def test_writes_while_an_index_is_filled_are_in_it(client: Client, make_table: MakeTable) -> None:
    table = make_table("p", "p:S")
    group = {"S": "x"}
    for number in range(0, 300, 25):
        puts = [{"PutRequest": {"Item": {"p": {"S": f"{n:03}"}, "g": group}}} for n in range(number, number + 25)]
        client.batch_write_item(RequestItems={table: puts})

    def write() -> None:
        for number in range(100):
            client.delete_item(TableName=table, Key={"p": {"S": f"{number:03}"}})
            client.put_item(TableName=table, Item={"p": {"S": f"{number + 300:03}"}, "g": group})

    writer = threading.Thread(target=write)
    writer.start()
    _create(client, table, "p:S g:S", index("by_g", "g", "KEYS_ONLY"))
    writer.join()
    await_active(client, table)
    assert _scan(client, table, "by_g") == [f"{number:03}" for number in range(100, 400)]


def test_a_deleted_index_is_gone(client: Client, make_table: MakeTable) -> None:
    table = make_table("p", "p:S g:S", GlobalSecondaryIndexes=[index("one", "g"), index("two", "g")])
    client.put_item(TableName=table, Item={"p": {"S": "x"}, "g": {"S": "y"}})
    client.update_table(TableName=table, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "one"}}])
    assert [each["IndexName"] for each in _settled(client, table)] == ["two"]
    assert _scan(client, table, "two") == ["x"]
    with invalid("The table does not have the specified index: one"):
        _scan(client, table, "one")


def _settled(client: Client, table: str) -> list[dict[str, Any]]:
    """Descriptions of the indexes that are left, once none is being deleted."""
    for _ in range(1000):
        found: list[dict[str, Any]] = client.describe_table(TableName=table)["Table"].get("GlobalSecondaryIndexes", [])
        if all(each["IndexStatus"] == "ACTIVE" for each in found):
            return found
    raise AssertionError(found)


def test_an_index_can_be_made_anew_under_its_name(client: Client, make_table: MakeTable) -> None:
    # Nothing of the one before may show through.
    table = make_table("p", "p:S g:S h:S", GlobalSecondaryIndexes=[index("one", "g"), index("two", "h")])
    for name, group in (("a", "g"), ("b", "h")):
        client.put_item(TableName=table, Item={"p": {"S": name}, group: {"S": "x"}})
    client.update_table(TableName=table, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "one"}}])
    _settled(client, table)
    _create(client, table, "p:S h:S", index("one", "h"))
    await_active(client, table)
    assert _scan(client, table, "one") == ["b"]


def test_only_one_index_is_made_at_a_time(client: Client, make_table: MakeTable) -> None:
    table = make_table("p", "p:S")
    both = [{"Create": index(name, "g")} for name in ("one", "two")]
    with refused("LimitExceededException", "Only 1 online index can be created or deleted simultaneously per table"):
        client.update_table(TableName=table, AttributeDefinitions=types("p:S g:S"), GlobalSecondaryIndexUpdates=both)


def test_a_name_is_taken_once(client: Client, make_table: MakeTable) -> None:
    table = make_table("p", "p:S g:S", GlobalSecondaryIndexes=[index("one", "g")])
    with invalid():
        _create(client, table, "p:S g:S", index("one", "g"))


FOUR = "a,b,c,d e,f,g,h"
LETTERS = "abcdefgh"


def _item(name: str, **values: str) -> dict[str, Any]:
    """An item whose index attributes are all 'x' unless said otherwise."""
    return {"p": {"S": name}, **{letter: {"S": values.get(letter, "x")} for letter in LETTERS}}


@pytest.fixture(scope="module")
def wide_table(client: Client, make_table: MakeTable) -> str:
    """One index of four partition and four sort attributes, the most that there can be."""
    definitions = "p:S " + " ".join(f"{letter}:S" for letter in LETTERS)
    table = make_table("p", definitions, GlobalSecondaryIndexes=[index("wide", FOUR)])
    for name, values in (
        ("1", {"e": "a"}),
        ("2", {"e": "b", "f": "z"}),
        ("3", {"e": "b", "f": "y"}),
        ("4", {"d": "o"}),
    ):
        client.put_item(TableName=table, Item=_item(name, **values))
    left_out = _item("5")
    del left_out["h"]  # without one of its attributes an item is not in the index
    client.put_item(TableName=table, Item=left_out)
    return table


def _wide(client: Client, table: str, condition: str, **values: str) -> list[str]:
    all_values = {**dict.fromkeys("abcd", "x"), **values}
    reply = client.query(
        TableName=table,
        IndexName="wide",
        KeyConditionExpression="a = :a AND b = :b AND c = :c AND d = :d" + condition,
        ExpressionAttributeValues={f":{name}": {"S": value} for name, value in all_values.items()},
    )
    return [item["p"]["S"] for item in reply["Items"]]


@NEWER
@pytest.mark.parametrize(
    ("condition", "values", "expected"),
    [
        ("", {}, ["1", "3", "2"]),
        ("", {"d": "o"}, ["4"]),
        (" AND e = :e", {"e": "b"}, ["3", "2"]),
        (" AND e > :e", {"e": "a"}, ["3", "2"]),
        (" AND e = :e AND f = :f", {"e": "b", "f": "z"}, ["2"]),
        (" AND e = :e AND begins_with(f, :f)", {"e": "b", "f": "y"}, ["3"]),
        (" AND e = :e AND f = :f AND g = :g AND h = :h", {"e": "b", "f": "y", "g": "x", "h": "x"}, ["3"]),
    ],
)
def test_sort_attributes_narrow_from_the_left(
    client: Client, wide_table: str, condition: str, values: dict[str, str], expected: list[str]
) -> None:
    assert _wide(client, wide_table, condition, **values) == expected


@NEWER
@pytest.mark.parametrize(
    ("condition", "values"),
    [
        (" AND f = :f", {"f": "z"}),  # not the first one
        (" AND e > :e AND f = :f", {"e": "a", "f": "z"}),  # nothing after a range
    ],
)
def test_sort_attributes_cannot_be_skipped(
    client: Client, wide_table: str, condition: str, values: dict[str, str]
) -> None:
    with invalid():
        _wide(client, wide_table, condition, **values)


@NEWER
def test_all_partition_attributes_are_needed(client: Client, wide_table: str) -> None:
    with invalid():
        client.query(
            TableName=wide_table,
            IndexName="wide",
            KeyConditionExpression="a = :a AND b = :a",
            ExpressionAttributeValues={":a": {"S": "x"}},
        )


@NEWER
def test_a_key_of_several_attributes_pages_by_all_of_them(client: Client, wide_table: str) -> None:
    page = client.scan(TableName=wide_table, IndexName="wide", Limit=1)
    assert page["LastEvaluatedKey"].keys() == {"p", *LETTERS}
    assert _scan(client, wide_table, "wide") == ["1", "2", "3", "4"]


@NEWER
def test_parts_of_a_key_do_not_run_into_each_other(client: Client, make_table: MakeTable) -> None:
    table = make_table("p", "p:S a:S b:S", GlobalSecondaryIndexes=[index("both", "a,b")])
    for name, (first, second) in {"1": ("x", "yz"), "2": ("xy", "z"), "3": ("x\x00y", "z")}.items():
        client.put_item(TableName=table, Item={"p": {"S": name}, "a": {"S": first}, "b": {"S": second}})
    for name, (first, second) in {"1": ("x", "yz"), "2": ("xy", "z"), "3": ("x\x00y", "z")}.items():
        reply = client.query(
            TableName=table,
            IndexName="both",
            KeyConditionExpression="a = :a AND b = :b",
            ExpressionAttributeValues={":a": {"S": first}, ":b": {"S": second}},
        )
        assert [item["p"]["S"] for item in reply["Items"]] == [name]


@pytest.mark.parametrize("schema", ["a,b,c,d,e f", "a b,c,d,e,f"])
def test_at_most_four_of_a_kind(client: Client, make_table: MakeTable, schema: str) -> None:
    table = make_table("p", "p:S")
    definitions = "p:S " + " ".join(f"{letter}:S" for letter in "abcdef")
    with invalid():
        _create(client, table, definitions, {**index("wide", "a"), "KeySchema": keys(schema)})
